//! How nginx and Envoy are set up.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use svc_core::policy::built_in_descriptors;

use crate::servers::CHECK_PATH;

/// More requests a second than any load makes.
const NO_LIMIT: u32 = 1_000_000;

/// A program that is not ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    Nginx,
    Envoy,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Program::Nginx => "nginx",
            Program::Envoy => "envoy",
        }
    }

    /// Says where it is. scripts/bench.sh sets it.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Program::Nginx => "KEYWARD_BENCH_NGINX",
            Program::Envoy => "KEYWARD_BENCH_ENVOY",
        }
    }

    pub(super) fn path(self) -> Option<PathBuf> {
        std::env::var_os(self.variable()).map(PathBuf::from)
    }
}

/// Writes the settings of nginx, and gives its arguments.
pub(super) fn nginx(dir: &Path, listen: SocketAddr, hello: &str, check: &str) -> anyhow::Result<Vec<String>> {
    fs::create_dir(dir)?;
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let settings = format!(
        "{user}
         daemon off;
         worker_processes auto;
         pid nginx.pid;
         error_log stderr error;
         events {{ worker_connections 4096; }}
         http {{
             access_log off;
             client_body_temp_path body;
             proxy_temp_path proxy;
             fastcgi_temp_path fastcgi;
             uwsgi_temp_path uwsgi;
             scgi_temp_path scgi;
             proxy_max_temp_file_size 0;
             keepalive_requests 1000000000;
             limit_req_zone $http_x_api_key zone=keys:1m rate={NO_LIMIT}r/s;
             upstream hello {{ server {hello}; keepalive 256; keepalive_requests 1000000000; }}
             upstream check {{ server {check}; keepalive 256; keepalive_requests 1000000000; }}
             proxy_http_version 1.1;
             server {{
                 listen {listen};
                 location / {{
                     limit_req zone=keys burst={NO_LIMIT} nodelay;
                     auth_request {CHECK_PATH};
                     proxy_set_header Connection \"\";
                     proxy_pass http://hello;
                 }}
                 location = {CHECK_PATH} {{
                     internal;
                     proxy_pass_request_body off;
                     proxy_set_header Content-Length \"\";
                     proxy_set_header Connection \"\";
                     proxy_pass http://check;
                 }}
             }}
         }}
        "
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, settings)?;
    Ok(["-e", "stderr", "-p", &dir.display().to_string(), "-c", &file.display().to_string()]
        .map(str::to_owned)
        .into())
}

/// Writes the settings of Envoy, and gives its arguments.
pub(super) fn envoy(
    dir: &Path,
    listen: SocketAddr,
    contacts: &str,
    check: &str,
) -> anyhow::Result<Vec<String>> {
    fs::create_dir(dir)?;
    let file = dir.join("descriptors.binpb");
    fs::write(&file, descriptors()?)?;
    let always = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    let exact = |name: &str| json!({"exact": name});
    let filters = [
        filter(
            "ext_authz",
            "ext_authz.v3.ExtAuthz",
            json!({
                "http_service": {
                    "server_uri": {"uri": format!("http://{check}"), "cluster": "check", "timeout": "1s"},
                    "path_prefix": CHECK_PATH,
                },
                "allowed_headers": {"patterns": [exact("x-api-key"), exact("x-api-secret")]},
            }),
        ),
        filter(
            "local_ratelimit",
            "local_ratelimit.v3.LocalRateLimit",
            json!({
                "stat_prefix": "keys",
                "token_bucket":
                    {"max_tokens": NO_LIMIT, "tokens_per_fill": NO_LIMIT, "fill_interval": "1s"},
                "filter_enabled": always,
                "filter_enforced": always,
            }),
        ),
        filter(
            "grpc_json_transcoder",
            "grpc_json_transcoder.v3.GrpcJsonTranscoder",
            json!({
                "proto_descriptor": file,
                "services": ["keyward.contacts.v1.ContactService"],
                "print_options": {"always_print_primitive_fields": true},
            }),
        ),
        filter("router", "router.v3.Router", json!({})),
    ];
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "contacts", "timeout": "5s"}}]);
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": filters,
    });
    let http2 = json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        },
    });
    let settings = json!({
        "static_resources": {
            "listeners": [{
                "address": address(&listen.to_string()),
                "filter_chains": [
                    {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]},
                ],
            }],
            "clusters": [cluster("check", check, json!({})), cluster("contacts", contacts, http2)],
        },
    });
    let file = dir.join("envoy.json");
    fs::write(&file, settings.to_string())?;
    let file = file.display().to_string();
    Ok(["-c", &file, "--log-level", "error", "--disable-hot-restart"].map(str::to_owned).into())
}

/// Our protos as Envoy takes them: it knows no `response_body` but for bytes, so that its answers are whole messages.
fn descriptors() -> anyhow::Result<Vec<u8>> {
    let pool = built_in_descriptors()?;
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").context("no descriptor.proto")?;
    let rule = pool.get_extension_by_name("google.api.http").context("no google.api.http")?;
    let mut set = DynamicMessage::decode(set, keyward_proto::DESCRIPTOR_SET)?;
    for file in messages(&mut set, "file") {
        for service in messages(file, "service") {
            for method in messages(service, "method") {
                let options =
                    method.get_field_by_name_mut("options").and_then(|options| options.as_message_mut());
                if let Some(options) = options.filter(|options| options.has_extension(&rule))
                    && let Some(rule) = options.get_extension_mut(&rule).as_message_mut()
                {
                    rule.clear_field_by_name("response_body");
                }
            }
        }
    }
    Ok(set.encode_to_vec())
}

/// The messages in a repeated field.
fn messages<'m>(of: &'m mut DynamicMessage, field: &str) -> impl Iterator<Item = &'m mut DynamicMessage> {
    let list = of.get_field_by_name_mut(field).and_then(|field| field.as_list_mut());
    list.into_iter().flatten().filter_map(|message| message.as_message_mut())
}

fn filter(name: &str, of: &str, mut settings: Value) -> Value {
    settings["@type"] = format!("type.googleapis.com/envoy.extensions.filters.http.{of}").into();
    json!({"name": format!("envoy.filters.http.{name}"), "typed_config": settings})
}

fn cluster(name: &str, at: &str, options: Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        // No load that is measured is refused.
        "circuit_breakers": {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]},
        "typed_extension_protocol_options": options,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(at)}}]}],
        },
    })
}

fn address(at: &str) -> Value {
    let (host, port) = at.rsplit_once(':').unwrap_or((at, "0"));
    json!({"socket_address": {"address": host, "port_value": port.parse::<u16>().unwrap_or_default()}})
}
