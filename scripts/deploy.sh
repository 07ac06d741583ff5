# shellcheck shell=bash
# What the checks and tests of deploy/ need. Sourced by the other scripts, after require.sh.

# kubectl, which has kustomize built in, from Debian's packages unless it is there.
kubectl_install() {
    if kubectl kustomize deploy/k8s >/dev/null 2>&1; then
        return
    fi
    debian_install kubernetes-client "the manifests in deploy/k8s are rendered by kubectl"
    # Says why, when it is not a matter of kubectl.
    kubectl kustomize deploy/k8s >/dev/null
}

# bubblewrap from Debian's packages unless it is there.
bubblewrap_install() {
    if ! command -v bwrap >/dev/null; then
        debian_install bubblewrap "the tests run Keyward as its image does, in namespaces made by bubblewrap"
    fi
    if ! bwrap --unshare-user --ro-bind / / true; then
        echo "keyward: bubblewrap cannot make namespaces here; the kernel must let users do so" >&2
        exit 1
    fi
}
