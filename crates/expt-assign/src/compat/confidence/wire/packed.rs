//! The JSON of the state that the vendor's servers publish: protobuf's JSON of `ResolverState`.

use serde::Deserialize;

use super::{Bloom, Flag, Name, Segment, nullable};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(in super::super) struct ResolverState {
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) flags: Vec<Named<Flag>>,
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) segments_no_bitsets: Vec<Named<Segment>>,
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) bitsets: Vec<PackedBitset>,
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) clients: Vec<Name>,
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) client_credentials: Vec<ClientCredential>,
    #[serde(deserialize_with = "nullable")]
    pub(in super::super) bloom_filters: Vec<PackedBloom>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Named<T> {
    #[serde(default)]
    pub(in super::super) name: String,
    #[serde(flatten)]
    pub(in super::super) item: T,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PackedBitset {
    #[serde(default)]
    pub(in super::super) segment: String,
    /// Base64 of gzip.
    pub(in super::super) gzipped_bitset: Option<String>,
    pub(in super::super) full_bitset: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ClientCredential {
    #[serde(default)]
    pub(in super::super) name: String,
    pub(in super::super) client_secret: Option<Secret>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) environments: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Secret {
    #[serde(default)]
    pub(in super::super) secret: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PackedBloom {
    #[serde(default)]
    pub(in super::super) materialized_segment: String,
    #[serde(flatten)]
    pub(in super::super) bloom: Bloom,
}
