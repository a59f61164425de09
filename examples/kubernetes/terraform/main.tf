# The same resources by Terraform's kubernetes provider. The cluster needs the kinds of Weir's chart before `terraform plan`.
terraform {
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.38"
    }
  }
}

variable "namespace" {
  type    = string
  default = "team-a"
}

locals {
  files     = ["agent.yaml", "reviewing.yaml", "documentation.yaml", "working-hours.yaml", "github.yaml", "daily-requests.yaml"]
  manifests = { for file in local.files : file => yamldecode(file("${path.module}/../agent/${file}")) }
}

resource "kubernetes_manifest" "weir" {
  for_each = local.manifests

  manifest = merge(each.value, {
    metadata = merge(each.value.metadata, { namespace = var.namespace })
  })

  # Weir's controller owns the status and nothing else; the fields of the spec are Terraform's.
  field_manager {
    name            = "terraform"
    force_conflicts = true
  }
}

resource "kubernetes_manifest" "thread" {
  manifest = merge(yamldecode(file("${path.module}/../thread.yaml")), {
    metadata = { name = "review-4711", namespace = var.namespace }
  })
  depends_on = [kubernetes_manifest.weir]
}
