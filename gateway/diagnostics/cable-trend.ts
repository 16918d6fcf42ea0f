/** What passed on a terminal's line, in one minute or since the start. */
export interface LineCounts {
  /** Whole frames. */
  readonly good: number
  /** Bursts that made no frame, messages said once more, requests without an answer. */
  readonly bad: number
}

/** How a line does, now and as it usually does. */
export interface CableTrend {
  /** The last hour, a minute each, oldest first. */
  readonly minutes: readonly LineCounts[]
  /** Everything before, but for the time in which it was failing. */
  readonly usual: LineCounts
  readonly state: 'steady' | 'failing'
}

export const NEW_CABLE: CableTrend = {
  minutes: [],
  usual: { good: 0, bad: 0 },
  state: 'steady',
}

const RECENT_MINUTES = 60
/** Fewer are an accident. */
const LEAST_BAD = 10
/** What is usual is not known from less. */
const LEAST_USUAL = 200
/** Deviations from the usual at which a line begins to fail, and at which it does no longer. */
const FAILS_AT = 5
const MENDED_AT = 2

/**
 * One minute later. A line fails when clearly more goes wrong in an hour than did before: twice as
 * much, and more than chance explains. One that was always bad is as usual: that shows in its
 * state and counters, and needs no trend. Pure.
 */
export function nextTrend(before: CableTrend, minute: LineCounts): CableTrend {
  const minutes = [...before.minutes, minute].slice(-RECENT_MINUTES)
  const left = before.minutes.length === RECENT_MINUTES ? before.minutes[0] : undefined
  // What comes while it fails must not become the usual.
  const isLearnt = before.state === 'steady' && left !== undefined
  const usual = isLearnt ? sumOf([before.usual, left]) : before.usual
  const now = sumOf(minutes)
  const deviation = deviationOf(now, usual)
  const isBad =
    total(usual) >= LEAST_USUAL &&
    now.bad >= LEAST_BAD &&
    shareOf(now) >= 2 * shareOf(usual) &&
    deviation >= FAILS_AT
  const isStill = before.state === 'failing' && deviation > MENDED_AT
  return { minutes, usual, state: isBad || isStill ? 'failing' : 'steady' }
}

/** `8.3 % of what passed in the last hour went wrong, 0.1 % before` */
export function trendText({ minutes, usual }: CableTrend): string {
  const percent = (counts: LineCounts): string => (100 * shareOf(counts)).toFixed(1)
  const now = percent(sumOf(minutes))
  return `${now} % of what passed in the last hour went wrong, ${percent(usual)} % before`
}

/** Two-proportion z: how many standard deviations lie between the two shares. */
function deviationOf(now: LineCounts, usual: LineCounts): number {
  const both = shareOf(sumOf([now, usual]))
  const variance = both * (1 - both) * (1 / total(now) + 1 / total(usual))
  return variance > 0 ? (shareOf(now) - shareOf(usual)) / Math.sqrt(variance) : 0
}

function shareOf(counts: LineCounts): number {
  return total(counts) === 0 ? 0 : counts.bad / total(counts)
}

function total({ good, bad }: LineCounts): number {
  return good + bad
}

function sumOf(counts: readonly LineCounts[]): LineCounts {
  return {
    good: counts.reduce((sum, { good }) => sum + good, 0),
    bad: counts.reduce((sum, { bad }) => sum + bad, 0),
  }
}
