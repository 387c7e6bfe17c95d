/** The arrows of the house: which folder may import which. `npm run graph` draws the real ones. */
const folder = name => `^src/${name}/`
const only = (from, ...allowed) => ({
  name: `${from} imports only ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: folder(from) },
  to: { path: '^(src|bootstrap|scripts|test)/', pathNot: [from, ...allowed].map(folder) },
})
const DOMAINS = ['peers', 'trading', 'tasks', 'energy', 'agents', 'knowledge', 'manners'].map(name => `domains/${name}`)

module.exports = {
  forbidden: [
    { name: 'no cycles, types included', severity: 'error', from: {}, to: { circular: true } },
    only('kernel'),
    only('config', 'kernel', 'protocol'),
    only('protocol', 'kernel'),
    only('inbox', 'kernel', 'protocol'),
    only('outbox', 'kernel', 'protocol'),
    only('network', 'kernel', 'protocol'),
    ...DOMAINS.map(domain => only(domain, 'kernel', 'protocol')),
    only('reports', 'kernel'),
    only('storage', 'kernel', ...DOMAINS),
    {
      name: 'storage knows domains as types only',
      severity: 'error',
      from: { path: folder('storage') },
      to: { path: DOMAINS.map(folder), dependencyTypesNot: ['type-only'] },
    },
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
      from: { path: '^(src|bootstrap)/', pathNot: '^src/(main|cli/run)\\.ts$|^src/harness/' },
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
