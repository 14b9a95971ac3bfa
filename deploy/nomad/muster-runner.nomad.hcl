# One CI runner for each dispatch of Muster (kind: nomad). Register it once:
#   nomad job run deploy/nomad/muster-runner.nomad.hcl
# The image must hold /bin/sh, sed, base64 and the runner of your forge (forgejo-runner, gitea-runner or act_runner, or the actions runner).

variable "image" {
  type    = string
  default = "code.forgejo.org/forgejo/runner:12"
}

job "muster-runner" {
  type        = "batch"
  datacenters = ["*"]

  parameterized {
    payload       = "required"
    meta_required = ["REPO_FULL_NAME", "REPO_SHORT_NAME", "WORKFLOW_RUN", "DELIVERY_ID"]
    meta_optional = [
      "MUSTER_OWNER", "MUSTER_DISPATCH", "MUSTER_ENDS_AT", "MUSTER_RUNNER_NAME",
      "MUSTER_LABELS", "MUSTER_INSTANCE", "MUSTER_MACHINE_TYPE", "MUSTER_IMAGE",
    ]
  }

  group "runner" {
    # A credential serves one runner once: what failed is asked for anew by Muster, never started again here.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "runner" {
      driver = "docker"
      config {
        image   = var.image
        command = "/bin/sh"
        args    = ["${NOMAD_TASK_DIR}/begin.sh"]
      }

      # On the machine itself, without a container; the client must allow the driver:
      # driver = "raw_exec"
      # config {
      #   command = "/bin/sh"
      #   args    = ["${NOMAD_TASK_DIR}/begin.sh"]
      # }

      dispatch_payload {
        file = "payload.json"
      }

      # Cuts the start script out of the payload, removes the payload, and ends the runner at its time even when nobody asks for it.
      template {
        destination = "local/begin.sh"
        data        = <<SH
set -eu
umask 077
payload="$NOMAD_TASK_DIR/payload.json"
start="$NOMAD_TASK_DIR/start.sh"
sed -n 's/.*"start":"\([A-Za-z0-9+\/=]*\)".*/\1/p' "$payload" | base64 -d > "$start"
ends_at="$(sed -n 's/.*"ends_at":\([0-9][0-9]*\).*/\1/p' "$payload")"
rm -f "$payload"
export MUSTER_HOME="$NOMAD_TASK_DIR/runner"
sh "$start" &
runner=$!
trap 'kill "$runner" 2>/dev/null || true' TERM INT
(
  while kill -0 "$runner" 2>/dev/null && [ "$(date +%s)" -lt "$ends_at" ]; do sleep 1; done
  kill "$runner" 2>/dev/null || exit 0
  for second in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$runner" 2>/dev/null && sleep 1; done
  kill -9 "$runner" 2>/dev/null || true
) &
code=0
while kill -0 "$runner" 2>/dev/null; do
  code=0
  wait "$runner" || code=$?
done
rm -f "$start"
exit "$code"
SH
      }

      # Whoever is asked to end gets this long.
      kill_timeout = "10s"

      resources {
        cpu    = 2000
        memory = 2048
      }
    }
  }
}
