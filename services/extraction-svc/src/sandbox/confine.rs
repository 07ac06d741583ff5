//! What a reader takes from itself before it reads a byte: Landlock leaves it the system's files, seccomp the system
//! calls of a program that computes, limits its share of memory and time.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::reader::{Confined, Limits};

/// What programs need of the system, to read and to run.
const PROGRAMS: [&str; 5] = ["/usr", "/lib", "/lib64", "/bin", "/keyward"];
/// What they need to read. Of /proc each process sees only what is its own.
const FILES: [&str; 8] = [
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/alternatives",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/dev/urandom",
];
/// How many files a reader and each program has open.
const MAX_FILES: u64 = 64;

/// Confines the process. Where the kernel lacks something, the answer says so.
pub(super) fn confine(document: &File, ocr: Option<&Path>, limits: &Limits) -> Result<Confined, String> {
    limit(limits).map_err(|error| format!("limits: {error}"))?;
    // When whoever started it ends, so does it. In namespaces bubblewrap sees to that.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let landlock = landlock(document, ocr).map_err(|error| format!("Landlock: {error}"))?;
    let seccomp = seccomp().map_err(|error| format!("seccomp: {error}"));
    Ok(Confined { landlock, seccomp: seccomp? })
}

fn limit(limits: &Limits) -> rustix::io::Result<()> {
    let both = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::As, both(limits.memory_bytes))?;
    // Nothing is written but what a pipe takes, and nothing of a document is left in a dump.
    setrlimit(Resource::Fsize, both(0))?;
    setrlimit(Resource::Core, both(0))?;
    setrlimit(Resource::Nofile, both(MAX_FILES))?;
    // What is used of it is bounded by the budget, which grows with what the document is.
    let most = limits.cpu(limits.max_pages, limits.max_pages).clamp(1.0, 1e6).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds that it is held to"
    )]
    let most = most as u64;
    setrlimit(Resource::Cpu, Rlimit { current: Some(most), maximum: Some(most) })
}

fn landlock(document: &File, ocr: Option<&Path>) -> Result<bool, RulesetError> {
    let abi = ABI::V6;
    let read = AccessFs::from_read(abi);
    let files = AccessFs::ReadFile | AccessFs::ReadDir;
    let created = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(PROGRAMS, read))?
        .add_rules(path_beneath_rules(FILES, files))?
        .add_rules(path_beneath_rules(ocr, files))?
        .add_rule(PathBeneath::new(document.as_fd(), AccessFs::ReadFile))?;
    // What programs write that has nowhere to go.
    let created = match PathFd::new("/dev/null") {
        Ok(null) => created.add_rule(PathBeneath::new(null, AccessFs::ReadFile | AccessFs::WriteFile))?,
        Err(_) => created,
    };
    Ok(created.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// Refused, as if it were not allowed.
const REFUSED: [i64; 49] = [
    // The network, and whatever else is reached by sockets.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // Other processes.
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    libc::SYS_setpriority,
    libc::SYS_sched_setaffinity,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_by_handle_at,
    // Parts of the kernel that no reader needs and that have had holes.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_personality,
    libc::SYS_memfd_create,
];
/// Namespaces that a new process could be put into.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

fn seccomp() -> Result<bool, Box<dyn std::error::Error>> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    for namespace in NAMESPACES {
        let flag = u64::from(namespace.unsigned_abs());
        let asks = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
        rules.entry(libc::SYS_clone).or_default().push(SeccompRule::new(vec![asks])?);
    }
    // Limits of another process than this one.
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![other])?]);
    // A signal to a thread of another process than this one. A program's own abort ends it all the same.
    let own = u64::from(std::process::id());
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![other])?]);
    apply(rules, libc::EPERM, architecture)?;
    // Its flags are behind a pointer, where no filter sees them. C libraries then use the older call.
    apply(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS, architecture)?;
    Ok(true)
}

fn apply(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    error: i32,
    architecture: TargetArch,
) -> Result<(), Box<dyn std::error::Error>> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()?;
    seccompiler::apply_filter(&filter)?;
    Ok(())
}
