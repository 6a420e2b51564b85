//! The configurations of this repository.

use std::fs;
use std::path::Path;

/// Every configuration in a folder and below it. Their tests, `lamp.test.yaml`, are none.
pub fn yaml_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            None => yaml_files(&path),
            Some(_) if path.to_string_lossy().ends_with(".test.yaml") => Vec::new(),
            Some(extension) if extension == "yaml" => vec![path],
            Some(_) => Vec::new(),
        })
        .collect()
}
