// SPDX-License-Identifier: Apache-2.0

/**
 * The page behind a login's address. It says which machine asks, what an administrator has to type, and how it
 * went; it decides nothing, has no script and no form, and everything on it that the machine said about itself is
 * shown as text.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Login, Logins, LoginState } from '../login/logins.ts'

/** An HTML answer. */
export interface Page {
  readonly status: number
  readonly html: string
  readonly headers: Record<string, string>
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}' +
  'code{overflow-wrap:anywhere}pre{background:#8882;padding:.8rem;white-space:pre-wrap}' +
  'th{text-align:left;padding-right:1rem;vertical-align:top;font-weight:600}'

const HEADERS: Record<string, string> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** The page at this path. */
export function loginPage(logins: Logins, path: string): Page {
  const login = logins.byId(path.slice('/login/'.length))
  if (login === undefined) {
    const body = '<p>This login is no longer valid. Run <code>up</code> on the machine again.</p>'
    return { status: 404, html: frame('No such login', body), headers: HEADERS }
  }
  const { kind } = login.state
  const [title, outcome] = SAYS[kind]
  const said = outcome === '' ? '' : `<p>${outcome}</p>`
  const todo = kind === 'waiting' ? howTo(logins.urlOf(login)) : ''
  return { status: 200, html: frame(title, `${said}${facts(login)}${todo}`), headers: HEADERS }
}

const SAYS: Readonly<Record<LoginState['kind'], readonly [title: string, outcome: string]>> = {
  waiting: ['A machine asks to join', ''],
  approved: ['Approved', 'The machine joins as soon as it asks again.'],
  joined: ['Approved', 'The machine has joined. You can close this page.'],
  denied: ['Denied', 'An administrator has denied this login.'],
}

function facts({ request, machineKey, askedAt }: Login): string {
  const rows: readonly (readonly [name: string, value: string])[] = [
    ['Name', request.hostname],
    ['System', request.os],
    ['Node key', request.nodeKey],
    ['Machine key', machineKey],
    ['Lock key', request.lockKey?.replace(/^nlpub:/, 'tlpub:') ?? 'none'],
    ['Asked', `${new Date(askedAt).toISOString()} from ${request.from}`],
  ]
  const cells = rows.map(
    ([name, value]) => `<tr><th>${name}</th><td><code>${text(value)}</code></td></tr>`,
  )
  return `<table>${cells.join('')}</table>`
}

function howTo(url: string): string {
  return (
    '<p>This page cannot let it in. An administrator of the server types, after comparing the keys:</p>' +
    `<pre><code>signet admin nodes approve ${text(url)}</code></pre>` +
    '<p>If nobody here asked for this, deny it:</p>' +
    `<pre><code>signet admin nodes deny ${text(url)}</code></pre>` +
    '<p>Reload this page to see what became of it.</p>'
  )
}

function frame(title: string, body: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">' +
    `<title>${title}</title><style>${STYLE}</style></head>` +
    `<body><h1>${title}</h1>${body}</body></html>`
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that cannot become markup, nor hide or turn around what is next to it. */
function text(value: string): string {
  return value
    .replace(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/gu, (character) => {
      const code = character.codePointAt(0) ?? 0
      return `\\u${code.toString(16).padStart(4, '0')}`
    })
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
