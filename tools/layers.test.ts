// SPDX-License-Identifier: Apache-2.0

/**
 * The floors of the house: who may stand on whom, and what pure code may touch. Reads manifests and
 * sources; a new package or arrow needs a line here, which is a decision.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')

interface Layer {
  /** Workspace packages that it may depend on. */
  readonly on: readonly string[]
  /** Pure packages know no platform: the same bytes in a browser as in Node. */
  readonly pure: boolean
}

const BASE = ['codec', 'crypto', 'keys']
const LAYERS: Readonly<Record<string, Layer>> = {
  codec: { pure: true, on: [] },
  crypto: { pure: true, on: [] },
  keys: { pure: true, on: ['codec', 'crypto'] },
  tka: { pure: true, on: BASE },
  noise: { pure: true, on: BASE },
  wireguard: { pure: true, on: BASE },
  derp: { pure: true, on: BASE },
  disco: { pure: true, on: BASE },
  protocol: { pure: true, on: [...BASE, 'tka'] },
  filter: { pure: true, on: ['protocol'] },
  ts2021: { pure: false, on: [...BASE, 'noise'] },
  control: { pure: false, on: [...BASE, 'tka', 'noise', 'derp', 'protocol', 'ts2021'] },
  node: {
    pure: false,
    on: [...BASE, 'tka', 'noise', 'derp', 'protocol', 'disco', 'filter', 'ts2021', 'wireguard'],
  },
  cli: { pure: false, on: [...BASE, 'tka', 'protocol', 'control', 'node'] },
  testkit: {
    pure: false,
    on: [...BASE, 'tka', 'noise', 'derp', 'protocol', 'ts2021', 'wireguard', 'control', 'node'],
  },
}

/** Files with a licence to leave a rule, each with what it may do. */
const NATIVE_FILES = 'packages/crypto/src/native/'
const LAZY_IMPORTS: Readonly<Record<string, string>> = {
  'packages/cli/src/commands/serve.ts': '@signet/control',
  'packages/cli/src/commands/node.ts': '@signet/node',
}

const FORBIDDEN: readonly RegExp[] = [
  /\bas any\b/,
  /@ts-(?:ignore|nocheck|expect-error)/,
  /(?:eslint|oxlint)-disable/,
  /\bas unknown as\b/,
]
const FORBIDDEN_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc'])

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Import {
  readonly file: string
  readonly from: string
  readonly isDynamic: boolean
}

interface Config {
  readonly extends: string
  readonly references: readonly { readonly path: string }[]
  readonly compilerOptions: Readonly<Record<string, unknown>>
}

function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function readConfig(path: string): Config {
  return JSON.parse(readText(path)) as Config
}

const packages = globSync('packages/*/package.json', { cwd: ROOT })
  .map((path) => basename(dirname(path)))
  .sort()
const manifests = new Map(
  packages.map((name) => [name, JSON.parse(readText(`packages/${name}/package.json`)) as Manifest]),
)
const sources = globSync('packages/*/src/**/*.ts', { cwd: ROOT }).sort()

function dependenciesOf(name: string): string[] {
  return Object.keys(manifests.get(name)?.dependencies ?? {}).sort()
}

function workspaceDependenciesOf(name: string): string[] {
  return dependenciesOf(name).flatMap(
    (dependency) => dependency.match(/^@signet\/(.+)$/)?.[1] ?? [],
  )
}

function packageOf(file: string): string {
  return file.split('/')[1] ?? ''
}

function importsOf(file: string): Import[] {
  const text = readText(file)
  const pattern =
    /(?:^|\n)(?:import|export)\b[^'"`;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\(\s*'([^']+)'/g
  return [...text.matchAll(pattern)].map(([, from, bare, dynamic]) => ({
    file,
    from: from ?? bare ?? dynamic ?? '',
    isDynamic: dynamic !== undefined,
  }))
}

const imports = sources.flatMap(importsOf)

test('layers: every package has a floor', () => {
  assert.deepEqual(packages, Object.keys(LAYERS).sort())
  assert.ok(sources.length > packages.length && imports.length > sources.length)
})

for (const [name, { on, pure }] of Object.entries(LAYERS)) {
  test(`layers: ${name} depends only on what stands below it`, () => {
    assert.deepEqual(
      workspaceDependenciesOf(name).filter((dependency) => !on.includes(dependency)),
      [],
    )
    assert.equal(manifests.get(name)?.name, `@signet/${name}`)
  })

  test(`layers: ${name} has tsconfig references equal to its dependencies`, () => {
    const config = readConfig(`packages/${name}/tsconfig.json`)
    const references = config.references.map(({ path }) => basename(path)).sort()
    assert.deepEqual(references, workspaceDependenciesOf(name))
    assert.equal(config.extends, pure ? '../../tsconfig.pure.json' : '../../tsconfig.base.json')
  })

  test(`layers: ${name} imports only what it declares`, () => {
    const declared = dependenciesOf(name)
    const undeclared = imports.filter(
      ({ file, from }) =>
        packageOf(file) === name &&
        !/^(?:\.|#|node:)/.test(from) &&
        !declared.some((dependency) => from === dependency || from.startsWith(`${dependency}/`)),
    )
    assert.deepEqual(undeclared, [])
  })
}

test('layers: nothing depends on a package above it, even in a circle', () => {
  const floors = Object.keys(LAYERS)
  for (const [index, name] of floors.entries()) {
    for (const dependency of LAYERS[name]?.on ?? []) {
      assert.ok(floors.indexOf(dependency) < index, `${name} -> ${dependency}`)
    }
  }
})

test('layers: the root project builds every project', () => {
  const { references } = readConfig('tsconfig.json')
  const configs = globSync('packages/*/tsconfig*.json', { cwd: ROOT })
  assert.deepEqual(
    references.map(({ path }) => path).sort(),
    configs.map((path) => path.replace('/tsconfig.json', '')).sort(),
  )
})

test('layers: imports between packages go through one of few front doors', () => {
  const closed = imports.filter(({ from }) => {
    const [, name, door] = from.match(/^@signet\/([^/]+)(.*)$/) ?? []
    return name !== undefined && manifests.get(name)?.exports[`.${door}`] === undefined
  })
  const sideways = imports.filter(({ file, from }) => {
    const target = join(dirname(file), from)
    return from.startsWith('.') && !target.startsWith(`packages/${packageOf(file)}/src/`)
  })
  assert.deepEqual([...closed, ...sideways], [])
  for (const [name, { exports }] of manifests) {
    const doors = Object.entries(exports)
    assert.ok(doors.length >= 1 && doors.length <= 4, `${name}: ${doors.length} front doors`)
    for (const [, target] of doors) assert.match(target, /^\.\/src\/[a-z0-9/-]+\.ts$/, name)
  }
})

test('layers: pure packages import nothing of Node', () => {
  const impure = imports.filter(
    ({ file, from }) =>
      LAYERS[packageOf(file)]?.pure === true &&
      from.startsWith('node:') &&
      !file.startsWith(NATIVE_FILES),
  )
  assert.deepEqual(impure, [])
})

test('layers: only the platform switch of crypto reaches its native build', () => {
  const native = imports.filter(({ file, from }) => {
    const target = join(dirname(file), from)
    return target.startsWith(NATIVE_FILES) && !file.startsWith(NATIVE_FILES)
  })
  assert.deepEqual(native, [])
})

test('layers: the command line loads server and node only when asked for', () => {
  const heavy = imports.filter(
    ({ file, from }) =>
      packageOf(file) === 'cli' && (from === '@signet/control' || from === '@signet/node'),
  )
  const wrong = heavy.filter(({ file, from, isDynamic }) => {
    return !isDynamic || LAZY_IMPORTS[file] !== from
  })
  assert.deepEqual(wrong, [])
})

test('layers: testkit is for tests', () => {
  for (const name of packages) assert.ok(!workspaceDependenciesOf(name).includes('testkit'), name)
})

test('sources: no file silences the compiler or the linter', () => {
  const found = sources.flatMap((file) => {
    const text = readText(file)
    return FORBIDDEN.filter((word) => word.test(text)).map((word) => `${file}: ${word}`)
  })
  assert.deepEqual(found, [])
})

test('sources: every file states its licence and is named for its subject', () => {
  const tests = globSync('packages/*/test/**/*.ts', { cwd: ROOT })
  const tools = globSync('{tools,bench,e2e,examples}/**/*.ts', { cwd: ROOT })
  for (const file of [...sources, ...tests, ...tools]) {
    const name = basename(file).split('.')[0] ?? ''
    assert.match(name, /^[a-z0-9]+(?:-[a-z0-9]+)*$/, `${file}: kebab-case`)
    assert.ok(!FORBIDDEN_NAMES.has(name), `${file}: named for nothing`)
    const [first] = readText(file)
      .replace(/^#!.*\n/, '')
      .split('\n', 1)
    assert.equal(first, '// SPDX-License-Identifier: Apache-2.0', file)
  }
})

test('repository: the compiler keeps its strictness', () => {
  const { compilerOptions } = readConfig('tsconfig.base.json')
  for (const option of [
    'strict',
    'noUncheckedIndexedAccess',
    'exactOptionalPropertyTypes',
    'noImplicitOverride',
    'isolatedDeclarations',
    'verbatimModuleSyntax',
    'erasableSyntaxOnly',
  ]) {
    assert.equal(compilerOptions[option], true, option)
  }
  const pure = readConfig('tsconfig.pure.json')
  assert.deepEqual(pure.compilerOptions, { types: [] })
  assert.ok(existsSync(join(ROOT, 'package-lock.json')))
})
