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

/** What may be seen of a room from outside beside the file of its name; kernel, protocol and text are libraries. */
const DOORS = {
  api: ['client', 'news'],
  bridges: ['[\\w-]+'],
  cli: ['terminal/failure'],
  config: ['identity', 'options'],
  daemon: ['command', 'commands', 'domain', 'kind', 'runs', 'served', 'words'],
  harness: ['local', 'season/yardstick', 'surplus'],
  inbox: [],
  network: [],
  outbox: ['courier', 'wire'],
  reports: ['aside', 'balance', 'figures', 'own-report', 'page/surplus-page', 'report-writer'],
  storage: ['documents', 'kept'],
  threads: [],
}
/** Of a domain: what may be asked of it, its options, what it does without a daemon, what a scenario does to it. */
const DOMAIN_DOORS = ['commands', 'options', 'offline', 'scenario']
const ROOMS = [...Object.entries(DOORS), ...DOMAINS.map(domain => [domain, DOMAIN_DOORS])]
const entered = ([room, doors]) => ({
  name: `${room} is entered by its front door`,
  severity: 'error',
  // A bridge is where two domains meet.
  from: { path: '^(src|bootstrap)/', pathNot: [folder(room), folder('bridges')] },
  to: {
    path: folder(room),
    pathNot: `^src/${room}/(${[room.replace(/.*\//, ''), ...doors].join('|')})\\.ts$`,
    dependencyTypesNot: ['type-only'],
  },
})

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
    ...ROOMS.map(entered),
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
    only('cli', 'kernel', 'config', 'protocol', 'text', 'threads', 'daemon', 'domains', 'api', 'reports', 'harness'),
    only('harness', 'kernel', 'config', 'protocol', 'text', 'threads', 'daemon', 'domains', 'api', 'reports'),
    {
      name: 'the command line and the harness see a domain by its commands, and by what needs no daemon',
      severity: 'error',
      from: { path: ['cli', 'harness'].map(folder) },
      to: { path: folder('domains'), pathNot: '^src/domains/\\w+/(commands|offline|scenario)\\.ts$' },
    },
    {
      name: 'node.ts is imported by main, the command that runs a daemon, and tests only',
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
