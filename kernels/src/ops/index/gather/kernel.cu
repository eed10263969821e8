#include "prelude.cuh"
