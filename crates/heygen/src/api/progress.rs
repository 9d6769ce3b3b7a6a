//! The status words of HeyGen's jobs.

use crate::Outcome;

/// The status of a job, as HeyGen names it. Which words a job can have depends on its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// `waiting`: not started.
    Waiting,
    /// `pending`: not started.
    Pending,
    /// `queued`: not started.
    Queued,
    /// `processing`: in progress.
    Processing,
    /// `running`: in progress.
    Running,
    /// `thinking`: a video agent plans.
    Thinking,
    /// `waiting_for_input`: a video agent needs an answer of its user.
    WaitingForInput,
    /// `reviewing`: a video agent's plan is under review.
    Reviewing,
    /// `generating`: a video agent's video is in progress.
    Generating,
    /// `completed`.
    Completed,
    /// `failed`.
    Failed,
    /// `cancelled`: somebody ended the job before it had a result.
    Cancelled,
    /// `not_found`: HeyGen has no job with this id.
    NotFound,
    /// A status that this version does not know.
    Other(String),
}

impl Progress {
    /// How the job ended; `None` unless the word says that it did. A cancelled job failed. An unknown word is no end.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Completed => Some(Outcome::Succeeded),
            Self::Failed | Self::Cancelled => Some(Outcome::Failed),
            _ => None,
        }
    }
}

impl From<String> for Progress {
    fn from(status: String) -> Self {
        match status.as_str() {
            "waiting" => Self::Waiting,
            "pending" => Self::Pending,
            "queued" => Self::Queued,
            "processing" => Self::Processing,
            "running" => Self::Running,
            "thinking" => Self::Thinking,
            "waiting_for_input" => Self::WaitingForInput,
            "reviewing" => Self::Reviewing,
            "generating" => Self::Generating,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "not_found" => Self::NotFound,
            _ => Self::Other(status),
        }
    }
}
