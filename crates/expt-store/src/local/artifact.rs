use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use expt_core::{ArtifactRef, Digest};

use super::disk;
use crate::{ArtifactStore, Durability, Error, ErrorKind, Result};

/// Artifacts in a folder: each a file named by its digest, `blake3/<first 2 digits>/<all 64 digits>`.
///
/// Any number of handles, of any number of processes, may use the folder at the same time. Bytes are
/// written to `tmp/` and renamed to their place, so nobody sees half of them; what a dead writer left in
/// `tmp/` is removed by whoever opens the folder a day later. Files are read and written from the calling
/// thread.
///
/// ```
/// use expt_store::{ArtifactStore, Durability, LocalArtifacts, blocking};
/// # let dir = tempfile::tempdir()?;
///
/// let store = LocalArtifacts::open(dir.path())?;
/// let artifact = blocking::wait(store.put("weights".into(), Durability::Durable))?;
/// assert_eq!(blocking::wait(store.get(artifact.digest))?, "weights");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalArtifacts {
    dir: PathBuf,
}

impl LocalArtifacts {
    /// Opens the store in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the folder cannot be made.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let store = Self { dir: dir.as_ref().into() };
        for dir in [store.blobs(), store.temporary()] {
            disk::create_dir(&dir)
                .map_err(|error| unavailable("open artifact store", "make the folder", &dir, error))?;
        }
        store.remove_leftovers();
        Ok(store)
    }

    /// Where the bytes of the digest are, or would be: for tools that read files. They must check the
    /// digest themselves.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.blobs().join(name.get(..2).unwrap_or_default()).join(name)
    }

    fn blobs(&self) -> PathBuf {
        self.dir.join("blake3")
    }

    fn temporary(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// Removes temporary files that no writer can still be at. Best effort: they cost room, nothing else.
    fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(self.temporary()) else { return };
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
            if age.is_some_and(|age| age > LEFTOVER_AGE) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn put_bytes(&self, bytes: &[u8], durability: Durability) -> Result<ArtifactRef> {
        let artifact = ArtifactRef::of(bytes);
        let path = self.path(artifact.digest);
        let durable = durability >= Durability::Durable;
        let put = match holds(&path, &artifact) {
            // Who put them may not have asked for them to be durable.
            Ok(true) if durable => File::open(&path).and_then(|file| file.sync_all()),
            Ok(true) => return Ok(artifact),
            _ => self.write(&path, bytes, durable),
        };
        let parent = path.parent().unwrap_or(&self.dir);
        put.and_then(|()| if durable { disk::sync_dir(parent) } else { Ok(()) })
            .map_err(|error| unavailable("put artifact", "write", &path, error))?;
        Ok(artifact)
    }

    fn write(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        disk::create_dir(path.parent().unwrap_or(&self.dir))?;
        let (temporary, mut file) = self.temporary_file()?;
        let written = file
            .write_all(bytes)
            .and_then(|()| if durable { file.sync_all() } else { Ok(()) })
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn temporary_file(&self) -> io::Result<(PathBuf, File)> {
        loop {
            let mut random = RandomState::new().build_hasher();
            random.write_u32(std::process::id());
            let path = self.temporary().join(format!("{:016x}", random.finish()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl ArtifactStore for LocalArtifacts {
    async fn put(&self, bytes: Bytes, durability: Durability) -> Result<ArtifactRef> {
        self.put_bytes(&bytes, durability)
    }

    async fn get(&self, digest: Digest) -> Result<Bytes> {
        let path = self.path(digest);
        match fs::read(&path) {
            Ok(bytes) => check(digest, bytes.into(), &path.display().to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(missing(digest, &self.dir.display().to_string()))
            }
            Err(error) => Err(unavailable("get artifact", "read", &path, error)),
        }
    }

    async fn contains(&self, digest: Digest) -> Result<bool> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unavailable("look for artifact", "read", &path, error)),
        }
    }
}

/// Whether the file has the bytes of the artifact.
fn holds(path: &Path, artifact: &ArtifactRef) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != artifact.bytes {
        return Ok(false);
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().as_bytes() == artifact.digest.as_bytes()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        };
    }
}

/// Passes bytes on if they have the digest.
pub(crate) fn check(digest: Digest, bytes: Bytes, place: &str) -> Result<Bytes> {
    let found = Digest::of(&bytes);
    if found == digest {
        return Ok(bytes);
    }
    let message = format!(
        "the {} bytes in {place} should have digest {digest} and have {found}; put the artifact again",
        bytes.len()
    );
    Err(Error::new(ErrorKind::Corrupted, "get artifact", message))
}

pub(crate) fn missing(digest: Digest, place: &str) -> Error {
    let message = format!("there is no artifact {digest} in {place}; put stores one");
    Error::new(ErrorKind::NotFound, "get artifact", message)
}

fn unavailable(operation: &'static str, verb: &str, path: &Path, error: io::Error) -> Error {
    let message = format!("cannot {verb} {}", path.display());
    Error::new(ErrorKind::Unavailable, operation, message).with_source(error)
}

/// No write of one artifact takes so long.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 60 * 60);
