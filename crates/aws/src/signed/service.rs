//! The services that are called without an SDK crate, and how each names itself in a request.

/// A service without a client in [`Sdk`](crate::sdk::Sdk).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    CloudWatch,
    Lambda,
    Pipes,
    Sns,
    Ssm,
}

impl Service {
    /// As `AWS_ENDPOINT_URL_…` names it.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Service::CloudWatch => "CLOUDWATCH",
            Service::Lambda => "LAMBDA",
            Service::Pipes => "PIPES",
            Service::Sns => "SNS",
            Service::Ssm => "SSM",
        }
    }

    /// In signatures, and at the start of the host.
    pub(super) fn name(self) -> &'static str {
        match self {
            Service::CloudWatch => "monitoring",
            Service::Lambda => "lambda",
            Service::Pipes => "pipes",
            Service::Sns => "sns",
            Service::Ssm => "ssm",
        }
    }

    /// The target's prefix and the content type, for a service that takes the operation in a header.
    pub(super) fn json(self) -> Option<(&'static str, &'static str)> {
        match self {
            Service::CloudWatch => Some(("GraniteServiceVersion20100801", "application/x-amz-json-1.0")),
            Service::Ssm => Some(("AmazonSSM", "application/x-amz-json-1.1")),
            Service::Lambda | Service::Pipes | Service::Sns => None,
        }
    }

    /// The version of a service that takes a form and responds in XML.
    pub(super) fn query(self) -> Option<&'static str> {
        (self == Service::Sns).then_some("2010-03-31")
    }

    pub(super) fn url(self, region: &str) -> String {
        format!("https://{}.{region}.{}", self.name(), dns_suffix(region))
    }
}

/// The domain of a region's partition, as the SDKs' tables of partitions have it.
fn dns_suffix(region: &str) -> &'static str {
    const OTHERS: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov"),
    ];
    OTHERS.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("amazonaws.com", |(_, suffix)| suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_in_its_regions_partition() {
        let url = |region| Service::CloudWatch.url(region);
        assert_eq!(url("eu-central-1"), "https://monitoring.eu-central-1.amazonaws.com");
        assert_eq!(url("us-gov-west-1"), "https://monitoring.us-gov-west-1.amazonaws.com");
        assert_eq!(url("cn-north-1"), "https://monitoring.cn-north-1.amazonaws.com.cn");
        assert_eq!(url("us-isob-east-1"), "https://monitoring.us-isob-east-1.sc2s.sgov.gov");
    }
}
