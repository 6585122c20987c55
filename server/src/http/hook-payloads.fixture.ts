/** Payloads in the shape that each product documents, cut down to what is about repositories and refs, and a little more. */
import type { IncomingHttpHeaders } from 'node:http'

export interface Sample {
  headers: IncomingHttpHeaders & Record<string, string>
  body: Record<string, unknown>
}

const ZERO = '0'.repeat(40)
const BEFORE = '1f3870be274f6c49b3e31a0c6728957f5a1e4c2d'
const AFTER = '9d5ed678fe57bcca610140957afab571c2e1f0a3'

const gitlabProject = {
  id: 15,
  name: 'tool',
  description: '',
  web_url: 'https://git.corp.example/platform/tool',
  avatar_url: null,
  git_ssh_url: 'git@git.corp.example:platform/tool.git',
  git_http_url: 'https://git.corp.example/platform/tool.git',
  namespace: 'platform',
  visibility_level: 0,
  path_with_namespace: 'platform/tool',
  default_branch: 'main',
  url: 'git@git.corp.example:platform/tool.git',
  ssh_url: 'git@git.corp.example:platform/tool.git',
  http_url: 'https://git.corp.example/platform/tool.git',
}

const gitlabPush = {
  before: BEFORE,
  after: AFTER,
  checkout_sha: AFTER,
  user_id: 4,
  user_name: 'Ada Example',
  user_username: 'ada',
  project_id: 15,
  project: gitlabProject,
  commits: [
    { id: AFTER, message: 'tool: does more', timestamp: '2024-05-06T07:08:09+00:00', added: ['a.go'] },
  ],
  total_commits_count: 1,
}

export const GITLAB = {
  branch: {
    headers: { 'x-gitlab-event': 'Push Hook' },
    body: {
      object_kind: 'push',
      event_name: 'push',
      ref: 'refs/heads/main',
      ref_protected: true,
      ...gitlabPush,
    },
  },
  tag: {
    headers: { 'x-gitlab-event': 'Tag Push Hook' },
    body: {
      object_kind: 'tag_push',
      event_name: 'tag_push',
      ...gitlabPush,
      ref: 'refs/tags/v1.2.3',
      before: ZERO,
      message: 'v1.2.3',
    },
  },
  update: {
    headers: { 'x-gitlab-event': 'System Hook' },
    body: {
      event_name: 'repository_update',
      user_id: 4,
      project_id: 15,
      project: {
        name: 'tool',
        git_http_url: 'https://git.corp.example/platform/tool.git',
        path_with_namespace: 'platform/tool',
      },
      changes: [{ before: BEFORE, after: AFTER, ref: 'refs/heads/main' }],
      refs: ['refs/heads/main', 'refs/tags/v1.2.3', 'refs/merge-requests/7/head'],
    },
  },
  issue: {
    headers: { 'x-gitlab-event': 'Issue Hook' },
    body: { object_kind: 'issue', event_type: 'issue', project: gitlabProject },
  },
} satisfies Record<string, Sample>

const githubRepository = {
  id: 186853002,
  name: 'tool',
  full_name: 'corp/tool',
  private: true,
  owner: { name: 'corp', login: 'corp' },
  html_url: 'https://github.com/corp/tool',
  url: 'https://api.github.com/repos/corp/tool',
  git_url: 'git://github.com/corp/tool.git',
  ssh_url: 'git@github.com:corp/tool.git',
  clone_url: 'https://github.com/corp/tool.git',
  default_branch: 'main',
}

const githubPush = {
  before: BEFORE,
  after: AFTER,
  repository: githubRepository,
  pusher: { name: 'ada', email: 'ada@corp.example' },
  created: false,
  deleted: false,
  forced: false,
  base_ref: null,
  commits: [],
  head_commit: null,
}

export const GITHUB = {
  branch: { headers: { 'x-github-event': 'push' }, body: { ref: 'refs/heads/main', ...githubPush } },
  tag: {
    headers: { 'x-github-event': 'push' },
    body: { ref: 'refs/tags/v1.2.3', ...githubPush, before: ZERO, created: true },
  },
  deleted: {
    headers: { 'x-github-event': 'delete' },
    body: { ref: 'topic/x', ref_type: 'branch', pusher_type: 'user', repository: githubRepository },
  },
  ping: {
    headers: { 'x-github-event': 'ping' },
    body: { zen: 'Keep it simple.', hook_id: 30, hook: { type: 'Repository' }, repository: githubRepository },
  },
} satisfies Record<string, Sample>

const forgejoRepository = {
  id: 140,
  name: 'tool',
  full_name: 'corp/tool',
  private: true,
  html_url: 'https://forge.corp.example/corp/tool',
  ssh_url: 'git@forge.corp.example:corp/tool.git',
  clone_url: 'https://forge.corp.example/corp/tool.git',
  default_branch: 'main',
}

export const FORGEJO = {
  branch: {
    headers: { 'x-forgejo-event': 'push', 'x-gitea-event': 'push', 'x-github-event': 'push' },
    body: {
      ref: 'refs/heads/main',
      before: BEFORE,
      after: AFTER,
      commits: [],
      repository: forgejoRepository,
    },
  },
  tag: {
    headers: { 'x-forgejo-event': 'create', 'x-gitea-event': 'create' },
    body: { sha: AFTER, ref: 'v1.2.3', ref_type: 'tag', repository: forgejoRepository },
  },
} satisfies Record<string, Sample>
