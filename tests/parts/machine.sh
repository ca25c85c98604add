#!/bin/sh
# The system packages that the suite's real parts need. Debian as root installs what is missing; elsewhere it is named.
set -eu
missing=""
for pair in prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager \
    amtool:prometheus-alertmanager dockerd:docker.io iptables:iptables git:git pg_ctlcluster:postgresql \
    systemd-analyze:systemd chromium:chromium; do
    program=${pair%%:*} package=${pair##*:}
    if ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1; then
        case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
    fi
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # the list is meant to be split
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "the suite needs these system packages:$missing; install them (on Debian, as root: apt-get install$missing)" >&2
    exit 3
fi
