//! What webhooks tell of jobs. Neither what stands in a document nor its name.

use serde_json::json;
use svc_core::clock::Timestamp;
use svc_core::parcel::Parcel;

use super::{Failure, Partition, Status};

/// A job has ended, which happens once: so its id is that of the event, too.
pub(crate) fn finished(
    of: &Partition,
    job_id: &str,
    template: Option<&str>,
    failure: Option<Failure>,
    at: Timestamp,
) -> Parcel {
    let status = if failure.is_some() { Status::Failed } else { Status::Succeeded };
    let error = failure.map(|failure| json!({"code": failure.code(), "message": failure.message()}));
    let data = json!({
        "id": job_id,
        "status": status.as_str(),
        "template": template,
        "error": error,
        "finishedAt": at.to_string(),
    });
    Parcel {
        id: job_id.to_owned(),
        of: of.clone(),
        kind: "document_extraction.finished".to_owned(),
        data: data.to_string(),
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let of = Partition { organization_id: "o".to_owned(), agent_id: "a".to_owned() };
        let (good, bad) = (
            finished(&of, "j", Some("invoice"), None, Timestamp(0)),
            finished(&of, "j", None, Some(Failure::TimedOut), Timestamp(0)),
        );
        let read = |parcel: &Parcel| serde_json::from_str::<serde_json::Value>(&parcel.data).unwrap();
        let at = "1970-01-01T00:00:00.000Z";
        let expected =
            json!({"id": "j", "status": "SUCCEEDED", "template": "invoice", "error": null, "finishedAt": at});
        assert_eq!(read(&good), expected);
        let error = json!({"code": "timed_out", "message": Failure::TimedOut.message()});
        let expected =
            json!({"id": "j", "status": "FAILED", "template": null, "error": error, "finishedAt": at});
        assert_eq!(read(&bad), expected);
    }
}
