/** One part of an element's value; only the last part may vary in length. */
export interface Gs1Part {
  /** N digits, X the 82 characters of GS1, Y the 39, Z base64url. */
  readonly characters: 'N' | 'X' | 'Y' | 'Z'
  readonly min: number
  readonly max: number
  /** May be absent altogether. */
  readonly optional: boolean
  /** `check`: ends in a check digit. `date`: YYMMDD, of which DD may be 00. `day`: YYMMDD. */
  readonly rule: 'check' | 'date' | 'day' | 'none'
}

/**
 * The application identifiers of the GS1 General Specifications, as `identifiers: parts`.
 * A part: N, X, Y or Z, its length or `..` and its greatest, then `c` for a check digit,
 * `d` for a date whose day may be 00, `D` for a full date; in brackets where it may be absent.
 */
const TABLE = `
00: N18c
01 02 03: N14c
10 21 22 243: X..20
11 12 13 15 16 17: N6d
20: N2
235: X..28
240 241 250 251: X..30
242: N..6
253: N13c [X..17]
254: X..20
255: N13c [N..12]
30 37: N..8
3100-3105 3110-3115 3120-3125 3130-3135 3140-3145 3150-3155 3160-3165: N6
3200-3205 3210-3215 3220-3225 3230-3235 3240-3245 3250-3255 3260-3265 3270-3275: N6
3280-3285 3290-3295 3300-3305 3310-3315 3320-3325 3330-3335 3340-3345 3350-3355: N6
3360-3365 3370-3375 3400-3405 3410-3415 3420-3425 3430-3435 3440-3445 3450-3455: N6
3460-3465 3470-3475 3480-3485 3490-3495 3500-3505 3510-3515 3520-3525 3530-3535: N6
3540-3545 3550-3555 3560-3565 3570-3575 3600-3605 3610-3615 3620-3625 3630-3635: N6
3640-3645 3650-3655 3660-3665 3670-3675 3680-3685 3690-3695: N6
3900-3909 3920-3929: N..15
3910-3919 3930-3939: N3 N..15
3940-3943: N4
3950-3955: N6
400 401 403: X..30
402: N17c
410-417: N13c
420: X..20
421: N3 X..9
422 424 426: N3
423 425: N..15
427: X..3
4300 4301 4310 4311 4320: X..35
4302-4306 4312-4316: X..70
4307 4317: X2
4308 4319: X..30
4309: N20
4318: X..20
4321-4323: N1
4324 4325: N6d N4
4326: N6D
4330-4333: N6 [X1]
7001: N13
7002: X..30
7003: N6D N4
7004: N..4
7005: X..12
7006: N6D
7007: N6D [N6D]
7008: X..3
7009: X..10
7010: X..2
7011: N6D [N4]
7020-7022: X..20
7023: X..30
7030-7039: N3 X..27
7040: N1 X3
710-715: X..20
7230-7239: X2 X..28
7240: X..20
7241: N2
7242: X..25
8001: N14
8002: X..20
8003: N14c [X..16]
8004: X..30
8005: N6
8006 8026: N14c N4
8007: X..34
8008: N8 [N..4]
8009: X..50
8010: Y..30
8011: N..12
8012: X..20
8013: X..25
8017 8018: N18c
8019: N..10
8020: X..25
8030: Z..90
8110 8112 8200: X..70
8111: N4
90: X..30
91-99: X..90
`

const RULES = { c: 'check', d: 'date', D: 'day' } as const

function parsePart(spec: string): Gs1Part {
  const match = /^(\[?)([NXYZ])(\.\.)?(\d+)([cdD]?)\]?$/.exec(spec)
  if (match === null) throw new RangeError(`not a part: ${spec}`)
  const [, optional, characters, variable, length, rule] = match
  const max = Number(length)
  return {
    // The pattern above admits these and nothing else.
    characters: characters as Gs1Part['characters'],
    min: variable === undefined ? max : 1,
    max,
    optional: optional === '[',
    rule: rule === 'c' || rule === 'd' || rule === 'D' ? RULES[rule] : 'none',
  }
}

function* identifiersOf(range: string): Iterable<string> {
  const [first = '', last = first] = range.split('-')
  for (let number = Number(first); number <= Number(last); number += 1)
    yield String(number).padStart(first.length, '0')
}

/** The parts of each identifier's value. */
export const GS1_IDENTIFIERS: ReadonlyMap<string, readonly Gs1Part[]> = new Map(
  TABLE.trim()
    .split('\n')
    .flatMap(line => {
      const [identifiers = '', parts = ''] = line.split(': ')
      const parsed = parts.split(' ').map(parsePart)
      return identifiers
        .split(' ')
        .flatMap(range =>
          [...identifiersOf(range)].map(identifier => [identifier, parsed] as const),
        )
    }),
)

/**
 * Characters of identifier and value together, by the identifier's first two digits, of the
 * elements that need no separator after them (GS1 General Specifications §7.8.5).
 */
export const GS1_PREDEFINED_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['00', 20],
  ['01', 16],
  ['02', 16],
  ['03', 16],
  ['04', 18],
  ...['11', '12', '13', '14', '15', '16', '17', '18', '19'].map(two => [two, 8] as const),
  ['20', 4],
  ...['31', '32', '33', '34', '35', '36'].map(two => [two, 10] as const),
  ['41', 16],
])
