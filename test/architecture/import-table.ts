/** A room: a folder of gateway/ that the table of the architecture names. */
export type Room = string

const LINE = ['line/checksum', 'line/framing', 'line/link', 'line/transport']

/** Who may import whom. A room may always import itself; what is not named is forbidden. */
const MAY_IMPORT: Readonly<Record<Room, readonly Room[]>> = {
  core: [],
  event: ['core'],
  config: ['core'],
  codec: ['core'],
  'line/checksum': ['core'],
  'line/transport': ['core'],
  wire: ['core', 'event'],
  security: ['core', 'event'],
  reconcile: ['core', 'event'],
  'line/framing': ['core', 'line/checksum'],
  'line/link': ['core', 'line/framing'],
  mqtt: ['core', 'security'],
  journal: ['core', 'event', 'wire', 'security'],
  broker: ['core', 'event', 'wire', 'security'],
  diagnostics: ['core', 'event', 'config', 'line/transport', 'wire', 'security'],
  protocol: ['core', 'event', 'codec', 'security', ...LINE],
  hq: ['core', 'event', 'wire', 'security', 'reconcile', 'mqtt'],
  ingest: ['core', 'event', 'security', 'journal'],
  uplink: ['core', 'event', 'wire', 'security', 'journal', 'mqtt'],
  downlink: ['core', 'event', 'wire', 'security', 'journal', 'mqtt'],
  enrol: ['core', 'wire', 'security', 'mqtt'],
  console: ['core', 'event', 'config', 'diagnostics', 'reconcile', 'security'],
  profile: ['core', 'event', 'codec', ...LINE, 'protocol', 'security'],
  terminal: ['core', 'event', ...LINE, 'profile', 'security'],
  workbench: [
    'core',
    'event',
    'codec',
    ...LINE,
    'protocol',
    'profile',
    'security',
    'journal',
    'wire',
  ],
}

/** May import every room but the cli and the composition root. */
const SIMULATOR = 'simulator'

/** May import everything: they construct across rooms. */
const COMPOSERS: readonly Room[] = ['main.ts', 'composition', 'cli']

/** The judge that looks at us from outside: its files share nothing with what they judge. */
export const JUDGE: readonly string[] = [
  'simulator/ledger-checker.ts',
  'simulator/ledger-chain.ts',
  'simulator/till-comparison.ts',
]

/** The room of a path below gateway/, or undefined where the table knows no such room. */
export function roomOf(path: string): Room | undefined {
  const [first = '', second = ''] = path.split('/')
  const room = first === 'line' ? `line/${second}` : first
  const known = room in MAY_IMPORT || room === SIMULATOR || COMPOSERS.includes(room)
  return known ? room : undefined
}

export function mayImport(from: Room, to: Room): boolean {
  if (from === to || COMPOSERS.includes(from)) return true
  if (from === SIMULATOR) return !COMPOSERS.includes(to)
  return MAY_IMPORT[from]?.includes(to) ?? false
}
