//! Which deliveries are posted, and in which order.

use crate::error::{Context, Result};
use crate::stack_dir::workspace;
use simulator::Disturbance;
use std::fs;
use webhook::Secret;

/// Reports that a finished video failed: it shows in the record if it was not verified.
const FORGED: &[u8] = br#"{"event_type":"avatar_video.fail","event_data":{"video_id":"vid_forged","callback_id":"order_12345","msg":"forged"}}"#;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its file in `events/deliveries`.
    pub file: String,
    /// The bytes that are sent.
    pub body: Vec<u8>,
    /// How its delivery is disturbed.
    pub disturbance: Option<Disturbance>,
    /// Not signed by HeyGen.
    pub forged: bool,
}

impl Delivery {
    /// How often it is delivered.
    pub fn times(&self) -> usize {
        if self.disturbance == Some(Disturbance::Twice) { 2 } else { 1 }
    }

    /// A signature by someone who does not know the endpoint's secret.
    pub fn forged_signature(&self) -> Result<String> {
        let wrong = Secret::new("whsec_d3Jvbmc=").map_err(|error| crate::Error::failed(error.to_string()))?;
        Ok(webhook::sign(&wrong, &self.body))
    }
}

/// Every sample, with repetitions, delays and a forged delivery.
pub fn plan() -> Result<Vec<Delivery>> {
    let mut files: Vec<_> = fs::read_dir(workspace().join("events/deliveries"))
        .context("Reading events/deliveries")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    // Backwards, so that a job's success comes before its failure and has to prevail.
    files.sort();
    files.reverse();
    let read = |path: &std::path::PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let body = fs::read(path).context(format_args!("Reading {file}"))?;
        Ok(Delivery { file, body, disturbance: None, forged: false })
    };
    let samples = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(arrange(samples))
}

fn arrange(mut samples: Vec<Delivery>) -> Vec<Delivery> {
    // HeyGen delivers at least once, in no order: one twice at the same time, others after the next one, and
    // others again after everything else.
    let again: Vec<_> = samples.iter().step_by(3).cloned().collect();
    for late in samples.iter_mut().skip(5).step_by(10) {
        late.disturbance = Some(Disturbance::AfterTheNext);
    }
    if let Some(first) = samples.first_mut() {
        first.disturbance = Some(Disturbance::Twice);
    }
    let file = "a forged delivery".to_owned();
    let forged = Delivery { file, body: FORGED.to_vec(), disturbance: None, forged: true };
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
        // Also if it comes after the next one.
        assert!(at("avatar_video.success.v3.json") + 1 < at("avatar_video.fail.late-retry.json"));
        assert_eq!(plan.iter().filter(|delivery| delivery.forged).count(), 1);
        for disturbance in [Disturbance::Twice, Disturbance::AfterTheNext] {
            assert!(plan.iter().any(|delivery| delivery.disturbance == Some(disturbance)));
        }
        assert_eq!(plan.last().unwrap().disturbance, None, "nothing is held back at the end");
        let mut files: Vec<_> = plan.iter().map(|delivery| &delivery.file).collect();
        files.sort();
        files.dedup();
        assert!(files.len() < plan.len());
    }
}
