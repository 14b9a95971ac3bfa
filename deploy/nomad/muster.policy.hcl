# The least that Muster (kind: nomad) needs, best in a namespace of its own:
#   nomad acl policy apply muster deploy/nomad/muster.policy.hcl
#   nomad acl token create -name muster -policy muster
# Who has read-job here can read the credentials of runners that Nomad still remembers.
namespace "default" {
  capabilities = [
    "dispatch-job", # start a runner
    "list-jobs",    # see what runs
    "read-job",     # see whose it is, and why it is not placed
    "submit-job",   # end a runner; newer versions of Nomad take "deregister-job" in its place
  ]
}
