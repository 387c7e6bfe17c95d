const { readdirSync } = require('node:fs')
const { join } = require('node:path')

/** The arrows of the house: which folder may import which. `npm run graph` draws the real ones. */
const folder = name => `^src/${name}/`
const only = (from, ...allowed) => ({
  name: `${from} imports only ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: folder(from) },
  to: { path: '^(src|bootstrap|scripts|test)/', pathNot: [from, ...allowed].map(folder) },
})
/** Every folder is one: a new domain needs no line here. */
const DOMAINS = readdirSync(join(__dirname, 'src/domains')).map(name => `domains/${name}`)
/** Where two domains must meet: a file for each meeting, and the two. */
const BRIDGES = { 'peer-encoder': ['knowledge', 'tasks'] }

module.exports = {
  forbidden: [
    { name: 'no cycles, types included', severity: 'error', from: {}, to: { circular: true } },
    only('kernel'),
    {
      name: 'config composes options: its own, and what each domain says of its own',
      severity: 'error',
      from: { path: folder('config') },
      to: {
        path: '^(src|bootstrap|scripts|test)/',
        pathNot: [...['config', 'kernel', 'protocol'].map(folder), '^src/domains/\\w+/options\\.ts$'],
      },
    },
    only('protocol', 'kernel'),
    only('inbox', 'kernel', 'protocol'),
    only('outbox', 'kernel', 'protocol'),
    only('network', 'kernel', 'protocol'),
    only('text', 'kernel'),
    only('threads', 'kernel', 'protocol', 'text'),
    only('daemon', 'kernel', 'protocol', 'config', 'storage', 'inbox', 'outbox', 'network', 'threads', 'text'),
    ...DOMAINS.map(domain => only(domain, 'kernel', 'protocol', 'text', 'daemon', 'storage')),
    {
      name: 'only its store touches the database for a domain',
      severity: 'error',
      from: { path: folder('domains'), pathNot: '^src/domains/\\w+/store(\\.ts$|/)' },
      to: { path: folder('storage') },
    },
    {
      name: 'domains see the contracts of the daemon, not what carries them',
      severity: 'error',
      from: { path: folder('domains') },
      to: { path: folder('daemon'), pathNot: '^src/daemon/(command|domain|kind|words)\\.ts$' },
    },
    ...Object.entries(BRIDGES).map(([bridge, joined]) => ({
      name: `${bridge} joins ${joined.join(' and ')}`,
      severity: 'error',
      from: { path: `^src/bridges/${bridge}\\.ts$` },
      to: {
        path: '^(src|bootstrap|scripts|test)/',
        pathNot: ['kernel', ...joined.map(name => `domains/${name}`)].map(folder),
      },
    })),
    {
      name: 'a bridge says which domains it joins',
      severity: 'error',
      from: { path: folder('bridges'), pathNot: Object.keys(BRIDGES).map(bridge => `^src/bridges/${bridge}\\.ts$`) },
      to: { path: '^src/' },
    },
    {
      name: 'threads are entered by their front door',
      severity: 'error',
      // The harness does work of the kind chunk again, with the counter that all peers have.
      from: { path: '^(src|bootstrap)/', pathNot: ['threads', 'harness'].map(folder) },
      to: { path: folder('threads'), pathNot: '^src/threads/threads\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    only('reports', 'kernel'),
    only('storage', 'kernel', 'protocol'),
    only('api', 'kernel', 'daemon'),
    {
      name: 'only network imports libp2p',
      severity: 'error',
      from: { path: '^(src|bootstrap)/', pathNot: folder('network') },
      to: { path: 'node_modules/(@libp2p|libp2p|@chainsafe|@multiformats)/' },
    },
    {
      name: 'only storage touches the database',
      severity: 'error',
      from: { path: '^(src|bootstrap)/', pathNot: folder('storage') },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'bootstrap has no domain',
      severity: 'error',
      from: { path: '^bootstrap/' },
      to: { path: '^src/', pathNot: ['network', 'config', 'kernel', 'protocol'].map(folder) },
    },
    {
      name: 'the command line and the API see the node through its commands',
      severity: 'error',
      from: { path: '^src/(cli|api)/' },
      to: { path: '^src/(inbox|outbox|network|storage)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'node.ts is imported by main, the command line, the harness and tests only',
      severity: 'error',
      from: { path: '^(src|bootstrap)/', pathNot: '^src/main\\.ts$|^src/cli/run/' },
      to: { path: '^src/node\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'what is imported is declared',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
