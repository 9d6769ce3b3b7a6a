//! The services that are called here, and how each names itself in a request.

/// A service that takes forms and responds in XML (AWS's "query" protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryService {
    CloudFormation,
    Iam,
    Sns,
}

/// A service that takes and returns JSON, with the operation in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonService {
    CloudWatch,
    Events,
    Logs,
    Sqs,
    Ssm,
}

impl QueryService {
    pub(super) fn name(self) -> &'static str {
        match self {
            QueryService::CloudFormation => "cloudformation",
            QueryService::Iam => "iam",
            QueryService::Sns => "sns",
        }
    }

    pub(super) fn version(self) -> &'static str {
        match self {
            QueryService::CloudFormation => "2010-05-15",
            QueryService::Iam => "2010-05-08",
            QueryService::Sns => "2010-03-31",
        }
    }
}

impl JsonService {
    pub(super) fn name(self) -> &'static str {
        match self {
            JsonService::CloudWatch => "monitoring",
            JsonService::Events => "events",
            JsonService::Logs => "logs",
            JsonService::Sqs => "sqs",
            JsonService::Ssm => "ssm",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            JsonService::CloudWatch | JsonService::Sqs => "application/x-amz-json-1.0",
            JsonService::Events | JsonService::Logs | JsonService::Ssm => "application/x-amz-json-1.1",
        }
    }

    pub(super) fn target(self) -> &'static str {
        match self {
            JsonService::CloudWatch => "GraniteServiceVersion20100801",
            JsonService::Events => "AWSEvents",
            JsonService::Logs => "Logs_20140328",
            JsonService::Sqs => "AmazonSQS",
            JsonService::Ssm => "AmazonSSM",
        }
    }
}
