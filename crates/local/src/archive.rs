//! A function's package: a zip archive with the executable `bootstrap`.

use flate2::Crc;

const NAME: &[u8] = b"bootstrap";
/// A regular file that its owner may write and everybody execute, as Unix says it.
const MODE: u32 = 0o100_755;
/// 1980-01-01, the earliest date that the format can hold, so that the same code makes the same archive.
const DATE: u16 = 0x21;

/// A checksum that names the content.
pub fn checksum(bootstrap: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bootstrap);
    crc.sum()
}

/// The archive, uncompressed: it goes no further than this machine, and compressing takes longer than the rest.
pub fn of(bootstrap: &[u8]) -> Vec<u8> {
    let crc = checksum(bootstrap);
    let size = u32::try_from(bootstrap.len()).unwrap_or(u32::MAX);
    // What the entry and the directory have in common, from the version needed to the length of the extra field.
    let mut header = Vec::new();
    for field in [20, 0, 0, 0, DATE] {
        header.extend(u16::to_le_bytes(field));
    }
    for field in [crc, size, size] {
        header.extend(u32::to_le_bytes(field));
    }
    for field in [length(NAME), 0] {
        header.extend(u16::to_le_bytes(field));
    }
    let mut archive = Vec::with_capacity(bootstrap.len() + 200);
    archive.extend(b"PK\x03\x04");
    archive.extend(&header);
    archive.extend(NAME);
    archive.extend(bootstrap);

    let mut directory = b"PK\x01\x02".to_vec();
    // Made by Unix: otherwise the mode counts for nothing.
    directory.extend([20, 3]);
    directory.extend(&header);
    // No comment, first disk, no internal attributes.
    directory.extend([0; 6]);
    directory.extend((MODE << 16).to_le_bytes());
    // The entry is at the start.
    directory.extend([0; 4]);
    directory.extend(NAME);

    let offset = u32::try_from(archive.len()).unwrap_or(u32::MAX);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend(u32::try_from(directory.len()).unwrap_or(u32::MAX).to_le_bytes());
    archive.extend(offset.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn length(name: &[u8]) -> u16 {
    u16::try_from(name.len()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn python_unpacks_it_with_its_mode_as_the_local_aws_does() {
        let file = std::env::temp_dir().join(format!("archive-{}.zip", std::process::id()));
        std::fs::write(&file, of(b"#!/bin/sh\n")).unwrap();
        let script = "import sys, zipfile; archive = zipfile.ZipFile(sys.argv[1]); [entry] = archive.infolist(); \
                      print(entry.filename, oct(entry.external_attr >> 16), archive.read(entry).decode(), archive.testzip())";
        let printed = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(String::from_utf8_lossy(&printed.stdout), "bootstrap 0o100755 #!/bin/sh\n None\n", "{printed:?}");
    }
}
