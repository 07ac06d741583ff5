//! What a plan does with the fields of its messages, for those who describe it to people.

use prost_reflect::{EnumDescriptor, FieldDescriptor};

use super::plan::{BodyPlan, Plan};
use super::schema::{Dialect, Enum, Shape};

/// A plan in terms of descriptors.
pub(crate) struct Described {
    /// The last field of each variable of the path, in order.
    pub(crate) variables: Vec<FieldDescriptor>,
    /// The fields that are query parameters, or lead to some.
    pub(crate) query: Vec<FieldDescriptor>,
    /// What requests carry.
    pub(crate) body: DescribedBody,
    /// The field that is the answer's `data`; without one, the whole response is, but for its pagination.
    pub(crate) data: Option<FieldDescriptor>,
    /// The answer has the `pagination` of a list.
    pub(crate) pages: bool,
    /// The status of a success.
    pub(crate) status: u16,
    /// 201 when the call created something, else `status`.
    pub(crate) may_create: bool,
}

/// The body of a request.
pub(crate) enum DescribedBody {
    /// None.
    Absent,
    /// The fields of the request that nothing else sets.
    Fields(Vec<FieldDescriptor>),
    /// The message that this field holds.
    Field(FieldDescriptor),
    /// Bytes of any type, or a form with a file; the text parts are the fields of the message in this field.
    Upload(Option<FieldDescriptor>),
    /// The same, but JSON of that message instead of bytes.
    FormOrJson(FieldDescriptor),
}

impl Plan {
    /// What people need to know of it.
    pub(crate) fn described(&self) -> Described {
        let (request, response) = (self.schema.message(self.input), self.schema.message(self.output));
        let field = |index: usize| request.fields[index].descriptor.clone();
        let texts = self.upload.as_ref().and_then(|upload| upload.texts()).map(field);
        let body = match self.body {
            _ if self.upload.is_some() => match texts {
                Some(texts) if self.is_form_or_json() => DescribedBody::FormOrJson(texts),
                texts => DescribedBody::Upload(texts),
            },
            BodyPlan::None => DescribedBody::Absent,
            BodyPlan::Field(index) => DescribedBody::Field(field(index)),
            BodyPlan::Bytes(_) => DescribedBody::Upload(None),
            BodyPlan::Whole => {
                let taken = |number: u32| self.taken.iter().any(|path| *path == [number]);
                let fields = request.fields.iter().filter(|f| !taken(f.number));
                DescribedBody::Fields(fields.map(|f| f.descriptor.clone()).collect())
            }
        };
        let by_query = self.by_query.iter().enumerate().filter(|(_, by_query)| **by_query);
        Described {
            variables: self.variables.iter().filter_map(|v| v.field.last().cloned()).collect(),
            query: by_query.map(|(index, _)| field(index)).collect(),
            body,
            data: self.data.map(|index| response.fields[index].descriptor.clone()),
            pages: self.pagination.is_some_and(|index| response.fields[index].shape == Shape::One),
            status: self.status,
            may_create: self.created.is_some(),
        }
    }
}

/// The names of an enum as clients send and get them, in the order of the proto.
pub(crate) fn enum_names(descriptor: &EnumDescriptor) -> Vec<String> {
    Enum::of(descriptor, Dialect::Contract)
        .legal
        .split(", ")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
