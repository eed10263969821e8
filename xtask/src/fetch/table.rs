//! Where each task's originals are published: one table.

use Standing::{Gone, Unverified};

/// The folder that replaces the benchmark's own bucket; a browser opens it, a program does not.
pub const FOLDER: &str = "https://drive.google.com/drive/folders/1OOp6UrCiP79mTIkCrUdjjHWDo8K0bJUw";

/// What is known about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The file was fetched from it and imported.
    #[allow(dead_code, reason = "the table's third mark, for whoever has checked an address")]
    Verified,
    /// As its publisher names it; nobody here has fetched it.
    Unverified,
    /// It no longer answers.
    Gone,
}

/// One file at one address.
#[derive(Debug)]
pub struct Original {
    /// The task's name.
    pub task: &'static str,
    /// The file's name on disk.
    pub file: &'static str,
    /// Its address.
    pub url: &'static str,
    /// Its size, where the publisher states it.
    pub bytes: Option<u64>,
    /// Its MD5, where the publisher states it.
    pub md5: Option<&'static str>,
    /// What is known about the address.
    pub standing: Standing,
}

const fn row(task: &'static str, file: &'static str, url: &'static str, standing: Standing) -> Original {
    Original { task, file, url, bytes: None, md5: None, standing }
}

macro_rules! bucket {
    ($task:literal, $folder:literal, $file:literal) => {
        row($task, $file, concat!("https://pde-xd.s3.amazonaws.com/", $folder, $file), Gone)
    };
}

macro_rules! at {
    ($task:literal, $base:literal, $file:literal) => {
        row($task, $file, concat!($base, $file), Unverified)
    };
}

/// The files of all tasks. The benchmark's own bucket has refused everybody since 2022.
pub static ORIGINALS: &[Original] = &[
    Original {
        md5: Some("eb9058c3a382ffc7106e4002c42a8d85"),
        ..at!("cifar100", "https://www.cs.toronto.edu/~kriz/", "cifar-100-python.tar.gz")
    },
    bucket!("spherical", "spherical/", "s2_cifar100.gz"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s1.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s2.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s3.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s4.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s5.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s6.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s7.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s8.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s9.zip"),
    at!("ninapro", "https://zenodo.org/records/1000116/files/", "s10.zip"),
    bucket!("ninapro", "ninapro/", "ninapro_train.npy"),
    bucket!("ninapro", "ninapro/", "ninapro_val.npy"),
    bucket!("ninapro", "ninapro/", "ninapro_test.npy"),
    bucket!("ninapro", "ninapro/", "label_train.npy"),
    bucket!("ninapro", "ninapro/", "label_val.npy"),
    bucket!("ninapro", "ninapro/", "label_test.npy"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.ground_truth.zip"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.z01"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.z02"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.z03"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.z04"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.z05"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.dev_audio.zip"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.eval_audio.z01"),
    at!("fsd50k", "https://zenodo.org/records/4060432/files/", "FSD50K.eval_audio.zip"),
    bucket!("fsd50k", "audio/", "audio.zip"),
    bucket!("darcy", "", "piececonst_r421_N1024_smooth1.mat"),
    bucket!("darcy", "", "piececonst_r421_N1024_smooth2.mat"),
    bucket!("psicov", "", "protein.zip"),
    bucket!("cosmic", "cosmic/", "deepCR.ACS-WFC.train.tar"),
    bucket!("cosmic", "cosmic/", "deepCR.ACS-WFC.test.tar"),
    at!("ecg", "https://physionet.org/files/challenge-2017/1.0.0/", "training2017.zip"),
    at!("ecg", "https://physionet.org/files/challenge-2017/1.0.0/", "REFERENCE-v3.csv"),
    bucket!("ecg", "ECG/", "challenge2017.pkl"),
    bucket!("satellite", "satellite/", "satellite_train.npy"),
    bucket!("satellite", "satellite/", "satellite_test.npy"),
    at!("deepsea", "http://deepsea.princeton.edu/media/code/", "deepsea_train_bundle.v0.9.tar.gz"),
    bucket!("deepsea", "deepsea/", "deepsea_filtered.npz"),
];
