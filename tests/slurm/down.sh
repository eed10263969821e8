#!/bin/bash
# Ends what up.sh began in DIR.
D=${1:?usage: down.sh DIR}
for f in "$D"/slurmd.n1.pid "$D"/slurmd.n2.pid "$D"/slurmctld.pid "$D"/munge/munged.pid; do
  [ -f "$f" ] && kill "$(cat "$f")"
done
exit 0
