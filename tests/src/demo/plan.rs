//! Which deliveries are posted, and in which order.

use crate::error::{Doing, Result};
use crate::place::workspace;
use heygen::Secret;
use std::fs;

/// Says that a finished video failed. Whoever believes it shows that it did not verify.
const FORGED: &[u8] = br#"{"event_type":"avatar_video.fail","event_data":{"video_id":"vid_forged","callback_id":"order_12345","msg":"forged"}}"#;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its file in `events/deliveries`.
    pub file: String,
    /// The bytes that are sent.
    pub body: Vec<u8>,
    /// The header that carries the signature.
    pub header: &'static str,
    /// Signed with a wrong secret.
    pub forged: bool,
}

impl Delivery {
    /// Its signature, given the endpoint's secret.
    pub fn signature(&self, secret: &Secret) -> Result<String> {
        if self.forged {
            let wrong = Secret::new("whsec_d3Jvbmc=").map_err(|error| crate::Error::failed(error.to_string()))?;
            return Ok(heygen::sign(&wrong, &self.body));
        }
        Ok(heygen::sign(secret, &self.body))
    }
}

/// Every sample, and what makes a receiver's life hard.
pub fn plan() -> Result<Vec<Delivery>> {
    let mut files: Vec<_> = fs::read_dir(workspace().join("events/deliveries"))
        .doing("Reading events/deliveries")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    // Backwards: so a job's success comes before its failure, and has to outlive it.
    files.sort();
    files.reverse();
    let read = |path: &std::path::PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let body = fs::read(path).doing(format_args!("Reading {file}"))?;
        Ok(Delivery { file, body, header: crate::client::SIGNATURE, forged: false })
    };
    let samples = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(arrange(samples))
}

fn arrange(mut samples: Vec<Delivery>) -> Vec<Delivery> {
    // HeyGen delivers at least once: one at once again, others after everything else.
    let again: Vec<_> = samples.iter().step_by(3).cloned().collect();
    if let Some(first) = samples.first().cloned() {
        samples.insert(0, first);
    }
    // The documentation has shown both names.
    if let Some(last) = samples.last_mut() {
        last.header = "Heygen-Signature";
    }
    let forged = Delivery {
        file: "a forged delivery".to_owned(),
        body: FORGED.to_vec(),
        header: crate::client::SIGNATURE,
        forged: true,
    };
    samples.push(forged);
    samples.extend(again);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_sent_and_some_twice_and_a_success_comes_before_its_failure() {
        let plan = plan().unwrap();
        let at = |file: &str| plan.iter().position(|delivery| delivery.file == file).unwrap();
        assert!(at("avatar_video.success.v3.json") < at("avatar_video.fail.late-retry.json"));
        assert_eq!(plan.iter().filter(|delivery| delivery.forged).count(), 1);
        assert!(plan.iter().any(|delivery| delivery.header == "Heygen-Signature"));
        let mut files: Vec<_> = plan.iter().map(|delivery| &delivery.file).collect();
        files.sort();
        files.dedup();
        assert!(files.len() < plan.len());
    }
}
