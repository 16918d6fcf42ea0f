import { ENROL_LIMITS } from './enrol-limits.js'

/** Every bound of the gateway, with its unit and what happens there. */
export const LIMITS = {
  /**
   * An event's bytes; a larger one is refused with TB_EVENT_TOO_LARGE, its frame journaled as
   * rejected.
   */
  eventBytes: 64 * 1024,
  /** Nesting of an event's JSON; canonicalJson refuses a deeper one with a TypeError. */
  jsonDepth: 64,
  /** Records in a batch; the publisher starts another. */
  batchRecords: 500,
  /** Bytes of a batch before gzip; the publisher starts another. One record may exceed it alone. */
  batchBytes: 256 * 1024,
  /** Bytes of batches on their way to HQ, before gzip; what takes too long to get there is less. */
  uplinkInFlightBytes: 2 * 1024 * 1024,
  /** What remains of that, however slow the link; a batch has one record at least. */
  uplinkLeastBytes: 2048,
  /** What the receiver unpacks of one batch; a larger one is refused with TB_BATCH_INVALID. */
  batchInflatedBytes: 1024 * 1024,
  /**
   * Largest MQTT packet taken or sent; who sends a larger one is cut off at its header, and one of
   * our own is refused with TB_MQTT_TOO_LARGE.
   */
  mqttPacketBytes: 512 * 1024,
  /** QoS 1 messages in flight on one connection, or the broker's Receive Maximum if smaller. */
  mqttInFlight: 64,
  /** Time a broker has to answer CONNECT or SUBSCRIBE; then the client makes way for a new one. */
  mqttConnectMs: 10_000,
  /** Time a broker has to answer a PUBLISH; then the connection counts as dead and is replaced. */
  mqttPubackMs: 20_000,
  /** Silence after which a broker is asked for a sign of life; dead at one and a half of it. */
  mqttKeepaliveSeconds: 15,
  /**
   * Time HQ has to answer hello or a batch with a receipt; then the store starts over from hello.
   */
  receiptMs: 15_000,
  /** Age of the last receipt at which a store that has nothing to send says hello again. */
  askAgainMs: 60 * 60 * 1000,
  /** Time a probe has to come back in direct mode; then the broker counts as forbidding it. */
  probeMs: 10_000,
  /** Time after which direct mode first offers again what the broker refused. */
  refusedMs: 60_000,
  /** Events of one journal read in direct mode; two reads are in flight at most. */
  directRecords: 100,
  /** Commits that HQ has under way at once; more batches wait in the broker. */
  hqCommits: 16,
  /** Connections of one receiver to its PostgreSQL; what needs one more waits for it. */
  ledgerConnections: 10,
  /** Time PostgreSQL has to take a connection; then the commit failed, its batch comes again. */
  ledgerConnectMs: 10_000,
  /** Time PostgreSQL has to answer a query; then the connection is replaced, the commit failed. */
  ledgerQueryMs: 60_000,
  /**
   * Silence in the middle of a commit after which PostgreSQL rolls it back, so that a receiver that
   * froze or was cut off holds up its store no longer.
   */
  ledgerSilenceMs: 10_000,
  /**
   * Time a commit waits for another of its store, then it is tried again. Shorter than that
   * silence: those who were cut off while they waited must not each take their turn.
   */
  ledgerLockMs: 5_000,
  /** Time that an idle connection to PostgreSQL is kept. */
  ledgerIdleMs: 30_000,
  /** Time that one step of PostgreSQL's schema may take; then HQ does not start. */
  ledgerMigrateMs: 24 * 60 * 60 * 1000,
  /** Attempts at a commit that another one got in the way of; then it failed. */
  ledgerAttempts: 5,
  /** Events taken from the outbox at a time; the fan-out takes the next when all are published. */
  fanOutRows: 200,
  /**
   * Times the broker may leave an event unanswered that goes out alone; then it is shelved, and the
   * next goes out.
   */
  fanOutTries: 3,
  /** Time between looks of the fan-out's leader for what other receivers have committed. */
  outboxLookMs: 500,
  /** Time between questions of a receiver whether it may lead the fan-out now. */
  leadAskMs: 2000,
  /**
   * Silence after which HQ no longer waits for what it published itself: retained receipts count as
   * handed out, an events topic as forbidden.
   */
  hqEchoMs: 5000,
  /** The same for a shared subscription, asked for right behind an echo that was heard. */
  hqShareEchoMs: 2000,
  /** Connections to the shop's own broker; more are turned away. */
  brokerConnections: 500,
  /** Of these, connections that did not say CONNECT yet; the oldest of more of them is closed. */
  brokerWaiting: 64,
  /** What is kept for a subscriber of our broker that reads slower than it is told. */
  brokerQueueBytes: 256 * 1024,
  /** Time in which it reads 16 KiB of that, and ten times as long for all; else it is cut. */
  brokerDrainMs: 3000,
  /** Time a client of our broker has to say CONNECT; then it is cut. */
  brokerConnectMs: 10_000,
  /** Messages of QoS 2 that a client of our broker may leave half said; then it is cut. */
  brokerInflight: 64,
  /** One packet in the shop: a message of `frameBytes`, its topic and its header. */
  shopPacketBytes: 96 * 1024,
  /** Raw bytes kept of a rejected frame; the rest is counted, not kept. */
  rejectedRawBytes: 4096,
  /** Largest frame a profile may declare. */
  frameBytes: 64 * 1024,
  /**
   * Bytes of one printed receipt, its images among them; a longer one is thrown away up to its end,
   * and counted as discarded.
   */
  receiptBytes: 512 * 1024,
  /** Characters of a receipt's text that its event keeps; the rest is left out, and counted. */
  receiptCharacters: 12_000,
  /** Events waiting for one fsync; beyond it `append` waits for the running write. */
  groupCommitEvents: 512,
  /**
   * Frames of one terminal waiting to be journaled; beyond it a frame is dropped unanswered, so
   * the terminal keeps it and repeats it.
   */
  linkQueueFrames: 64,
  /**
   * Parts of a message that comes in several frames; with one more it is given up and journaled as
   * rejected.
   */
  gatheredParts: 500,
  /** Time without a further part after which such a message is given up in the same way. */
  gatheredMs: 60 * 60_000,
  /** Time before a refused message is offered again whose terminal would not repeat it. */
  refusedRetryMs: 1_000,
  /** Bytes waiting to be read from one line before its reader is told to pause. */
  lineBacklogBytes: 256 * 1024,
  /**
   * Silence of a till on a printer that several tills share, after which the receipts of another
   * one are read. Longer than any pause within a receipt: printing itself never waits.
   */
  printerTurnMs: 15_000,
  /**
   * Time that a terminal on a shared line waits for it to fall silent; then it asks all the same,
   * and what is garbled shows as a collision.
   */
  busQuietMs: 100,
  /** Bytes that make no sense, in a second at least; with more of them a line is `babbling`. */
  babbleBytes: 512,
  /** A shared one is, until it was quieter for so long. */
  babbleMemoryMs: 5_000,
  /**
   * Bytes without a frame, and frames in a row that are rejected: with so many a terminal is named
   * `garbled`.
   */
  garbledBytes: 64,
  garbledFrames: 5,
  /**
   * Time of one scan for BLE terminals, and of the pause behind it: while links are open they have
   * as much of the air again as the scan. A terminal that was found ends a scan at once.
   */
  bleScanMs: 8_000,
  bleScanBesideLinksMs: 2_000,
  blePauseMs: 100,
  blePauseForLinksMs: 2_000,
  /** Time within which a BLE terminal must be heard; then its line is unavailable, and retried. */
  bleFindMs: 25_000,
  /** Before that: time after which one that BlueZ knows is tried though it was not heard. */
  bleKnownMs: 5_000,
  /** A terminal heard no longer ago than this counts as near. */
  bleNearMs: 30_000,
  /** Time BlueZ has to connect, to find the services, and to pair; then it is cancelled. */
  bleConnectMs: 15_000,
  bleResolveMs: 15_000,
  blePairMs: 30_000,
  /** Time a BLE terminal has to answer a read, a write or a subscription; then it is lost. */
  bleAnswerMs: 10_000,
  /** Values that a BLE terminal may send before it is listened to; further ones are dropped. */
  bleEarlyValues: 200,
  /** Time to say goodbye to a BLE terminal. */
  bleFarewellMs: 5_000,
  /** All objects of BlueZ are asked for so often: signals that were missed are made up for. */
  bleLookMs: 5_000,
  /** Time before a lost session with BlueZ is opened again. */
  bleReopenMs: 1_000,
  /** Links in a row that a bonded terminal drops before it is ready; then its bond is forgotten. */
  bleBondDrops: 3,
  /** Time that a stopping gateway hears out what a terminal has begun; then its line is closed. */
  finishFrameMs: 2_000,
  /** Time that terminals are told to wait for an update that was announced; then they sell on. */
  closingMs: 60_000,
  /** Time a stopping gateway gives its rooms before it exits anyway (balena kills at 30 s). */
  stopMs: 20_000,
  /** Bytes of a vending machine's audit file; a longer one is read as it is then, and rejected. */
  auditBytes: 60 * 1024,
  /** Ways in which a dialect's regular expression may match; one with more is refused at load. */
  patternPaths: 100_000,
  /** The same of a pattern for the lines of receipts, which are short. */
  receiptPatternPaths: 2_000_000,
  /** Characters of a printed line that such a pattern is put to; a longer one matches none. */
  receiptLineCharacters: 160,
  /** Longest message, in bytes, that a regular expression is put to; a longer one is rejected. */
  patternBytes: 4096,
  /** Characters of one YAML file; a larger one is refused with its name. */
  yamlCharacters: 1024 * 1024,
  /** Confirmed records are kept this long where HQ reports no `safe` mark. */
  retentionDays: 35,
  /** Records removed from the journal in one write; what remains is removed by further writes. */
  trimSliceRecords: 256,
  /** Records removed before the journal has LevelDB give their room back to the disk. */
  compactAfterRecords: 50_000,
  /** Records, and time, that go unsigned at most; then the store signs the chain up to there. */
  checkpointRecords: 1000,
  checkpointMs: 10 * 60_000,
  /**
   * Sums, and ranges of records, of one statement, so that it is one event; the next one goes on
   * from there.
   */
  statementEntries: 250,
  statementRanges: 80,
  /**
   * Facts of class `limited`, a terminal and type: so many at once, then one every so often, and so
   * many unconfirmed bytes a terminal. What is beyond it is counted: one summary an interval.
   */
  factBurst: 60,
  factEveryMs: 15_000,
  factBytes: 8 * 1024 * 1024,
  factSummaryMs: 5 * 60 * 1000,
  /** How often the journal's disk is looked at. */
  spaceLookMs: 5_000,
  /** An append that found no room has it looked at again, this often at most. */
  lookAgainMs: 500,
  /**
   * Kept beside the journal and given up so that LevelDB opens and compacts on a full disk: it
   * merges up to a dozen tables of 4 MiB with what lies below them, and frees them afterwards.
   */
  reserveBytes: 96 * 1024 * 1024,
  /** With less free than this the reserve is given up before LevelDB is opened. */
  openEasyBytes: 48 * 1024 * 1024,
  /** With less free than this it is not opened: rewriting its log alone takes 4 MiB. */
  openLeastBytes: 8 * 1024 * 1024,
  /** Free bytes below which even money is refused, before LevelDB stumbles over a full disk. */
  diskFloorBytes: 32 * 1024 * 1024,
  /** Share of the quota beyond which only money is taken. */
  spareShare: 0.9,
  /** Share of the quota to spare below which room is made, until there is twice that. */
  reliefShare: 0.02,
  /** The average of what is appended remembers this long. */
  rateMemoryHours: 12,
  /** Before that no rate is stated, and no autonomy. */
  rateAfterMs: 10 * 60 * 1000,
  /** No longer autonomy is stated: over a year. */
  autonomyHours: 10_000,
  /** The alarm `disk-low` rings below the one and is cleared from the other on. */
  alarmBelowHours: 72,
  alarmOverHours: 96,
  /** Age of the oldest unconfirmed event at which `backlog-old` rings. */
  backlogOldHours: 24,
  /** Time that an event has to wait before its own `time` counts for that. */
  backlogSeenMs: 10 * 60 * 1000,
  /**
   * The whole journal is read once so often, in slices of so many bytes with so long between them:
   * what was damaged on the disk is found before HQ asks for it.
   */
  scrubEveryMs: 24 * 60 * 60_000,
  scrubSliceBytes: 128 * 1024,
  scrubPauseMs: 250,
  /**
   * Closed epochs that a hello names beside the current one; of the others the store asks in
   * further hellos, one after the other, when these are confirmed. Receipts stay as small.
   */
  helloEpochs: 1000,
  /**
   * Time the second copy has for a write, and for looking for it; then the shop sells on without.
   */
  mirrorWriteMs: 2000,
  mirrorFindMs: 3000,
  /** Time between looks whether the second copy's medium is there. */
  mirrorLookMs: 3000,
  /** Writes that wait for the second copy; with more of them it is let go of. */
  mirrorQueueBytes: 8 * 1024 * 1024,
  /** What is written to the second copy at a time while it catches up. */
  mirrorSliceBytes: 256 * 1024,
  /** Writes in the second copy since it was filled; beyond that it is filled anew. */
  mirrorBatchesBytes: 64 * 1024 * 1024,
  /** Gaps that a receipt names in one epoch; it stops short of the next one. */
  receiptMissingRanges: 1000,
  /** Time after which a terminal that did not say what it is is asked again when it speaks. */
  identifyAgainMs: 5_000,
  /** And one that says nothing, which may have been switched on since. */
  identifySilentMs: 60_000,
  /** Bytes that are heard out while a terminal is asked; what is beyond waits in the line. */
  identifyBytes: 4096,
  /** Silence after the last change of a profile's file before all are read again. */
  profileSettleMs: 300,
  /**
   * Time that the event loop stands still, that an event waits for the disk, and that no terminal
   * is of use: then /healthz says unhealthy.
   */
  healthLoopMs: 5_000,
  healthJournalMs: 30_000,
  healthTerminalsMs: 5 * 60_000,
  /** Time that one reason keeps updates away; then it rings instead. */
  updateHeldMs: 10 * 60_000,
  /** Time a sale of the self-test has to be acknowledged; then this version is unfit. */
  selfTestMs: 120_000,
  /** Terminals are answered after, although nothing was: then nothing false is said either. */
  selfTestSilentMs: 5_000,
  /** Time HQ has answered when it is too late for its receipt; then this version is unfit, too. */
  selfTestAnsweringMs: 60_000,
  /** Beyond `updates.proveMinutes`, until a version on trial that says nothing is killed. */
  trialGraceMs: 120_000,
  /** The last bytes of a line that are remembered, to see what may be wrong with it. */
  tapRecentBytes: 512,
  /** Silence of a line before it is taken from its terminal, and how long that is waited for. */
  tapSilenceMs: 200,
  tapSilenceAtMostMs: 5_000,
  /** Parts of an answer that wait for the link; with more of them some are left out, and named. */
  answerWaitingBytes: 256 * 1024,
  /** Time and bytes of a capture from afar, and lines of its decoding; it ends there. */
  captureSeconds: 600,
  captureBytes: 256 * 1024,
  captureLines: 2_000,
  /** Time that a log is followed before it has to be asked for again. */
  followSeconds: 3600,
  /** Time that a terminal is listened to whether it answers, at most. */
  pingSeconds: 60,
  /** Time that what went out over a loop plug has to come back. */
  loopbackMs: 1_500,
  /** What is remembered of the log. */
  logRingBytes: 256 * 1024,
  /** Records that a search for a receipt looks at, and facts that it names, at most. */
  whereIsRecords: 500_000,
  whereIsFacts: 20,
  /** Batches, and receipts, whose times are remembered; of older ones only the fact is known. */
  journeySteps: 2_000,
  /** Turns of a link between two chunks of a capture; then its timer stands still. */
  listenTurns: 1000,
  /** Reasons why rejected frames stay as they are; more are counted together. */
  reparseReasons: 50,
  /** Bytes of a capture whose card numbers are looked for at once; a longer stream is cut there. */
  captureScrubBytes: 16 * 1024,
  /** What of it is looked at again with what follows: no card data is longer. */
  captureOverlapBytes: 512,
  /** Silence after which what came before it is written to a capture. */
  captureSettleMs: 500,
  /** Bytes of one chunk of an answer to HQ; more is a defect of the verb. */
  answerChunkBytes: 32 * 1024,
  /** Bytes of such chunks a second: a shop may be on a mobile link, and sales come first. */
  answerBytesPerSecond: 64 * 1024,
  /** Chunks of all answers that can be said again; beyond it the oldest are forgotten. */
  answerMemoryBytes: 2 * 1024 * 1024,
  /** From a command's issue to its expiry at most. */
  commandLifetimeMs: 24 * 60 * 60_000,
  /** How far HQ's clock may be ahead of the store's before a command counts as ill-dated. */
  commandAheadMs: 60_000,
  /** How long after its expiry a command is answered still; then it is forgotten. */
  commandKeptMs: 10 * 60_000,
  /** Commands that are remembered; beyond it new ones are refused until old ones expire. */
  commandsRemembered: 2000,
  /** Commands that are carried out at once; more are refused. */
  commandsAtOnce: 16,
  /** A request, signed; a longer one is no command. */
  commandBytes: 16 * 1024,
  /** Commands run no longer; then they are told to end. */
  commandRunMs: 60 * 60_000,
  /** A document of HQ; a larger one is refused. It is in memory while it comes and is pushed. */
  documentBytes: 16 * 1024 * 1024,
  /** What of it is one message, and what a cut link loses at most. */
  documentChunkBytes: 32 * 1024,
  /** Chunks that are asked for at once. */
  documentChunksAtOnce: 8,
  /** What HQ signs of a document; a longer one is none. */
  documentManifestBytes: 64 * 1024,
  /** Documents of a store, and what they take up on its disk together; more are refused. */
  documents: 50,
  documentsBytes: 64 * 1024 * 1024,
  /** Lines of a document that a terminal may be told again after a crash. */
  documentLinesAgain: 500,
  /** Time before a terminal that is not ready is told a line again. */
  documentAgainMs: 1_000,
  /** A new challenge stands in the status so often, and each counts for so long. */
  challengeEveryMs: 60_000,
  challengeMs: 10 * 60_000,
  ...ENROL_LIMITS,
} as const
