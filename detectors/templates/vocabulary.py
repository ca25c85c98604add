"""The words that programs speak in their logs: where one of them stands, the text says something, and names no value.

They are English words that log messages share whatever system writes them: verbs in their forms, states, the nouns of
machines and networks, and what binds a sentence. A word that is not here may be a name: of a user, a host, a queue.
"""

_TEXT = """
a about accept accepted accepting access accessed accessing acquire acquired acquiring across action activate
activated activating active add added adding addr address after again against alert alive all allocate allocated
allocating allocation allow allowed already also am among an and another answer any append applied apply applying
are argument arrived as ask asked assign assigned assigning at attach attached attaching attempt attempted
attempting attempts auth authenticated authentication authorization available avoid await awaiting back backend
background backup bad be because been before begin beginning begun being below between bind binding block blocked
blocking boot both bound break broken buffer build building built busy by byte bytes cache cached call callback
called calling can cancel canceled canceling cancelled cannot capacity cause caused change changed changes changing
channel check checked checking checkpoint child class clean cleaned cleaning cleanup clear cleared clearing client
clock close closed closing cluster code collect collected collection command commit committed committing complete
completed completely completing component compute config configuration configure configured conflict connect
connected connecting connection connections consumer contact contacting container content context continue
continuing control controller copied copy copying core correctable corrected corrupt corrupted could count crash
crashed create created creating creation critical current daemon data database date dead deadline deadlock debug
declared decode decoding decrease decreased decreasing default degraded delay delayed delete deleted deleting
deletion delivered denied deny deprecated deregister deregistered destination destroy destroyed destroying detach
detached detaching detect detected detecting device did different directory disable disabled disabling disallow
discard discarded discarding disconnect disconnected disconnecting discover discovered disk dispatch dispatched do
does domain done down download downloaded downloading drain drained draining drop dropped dropping due dump
duplicate duration during each elapsed elected election else empty enable enabled enabling encode encountered end
ended ending engine enter entered entering entry env environment eof error errors establish established event ever
evict evicted evicting exceed exceeded exceeding except exception exceptional execute executed executing execution
executor exhausted exist existing exists exit exited exiting expect expected expire expired expiring explicit
external fail failed failing failover fails failure failures false fatal fault fetch fetched fetching few field file
files filesystem filter final find fine finish finished finishing first flush flushed flushing following for force
forced forcing format forward forwarded forwarding found free freed freeing frequent from full function further
gateway generate generated generating get getting give given giving global going gone got graceful gracefully
granted group grow growing had halt halted handle handled handler handling handshake hardware has have having he
health healthy heartbeat held her here high his hit hold holding hook host how however i if ignore ignored ignoring
illegal immediately import in inactive incoming incomplete increase increased increasing index info information init
initial initialise initialised initialising initialization initialize initialized initializing initiate initiated
initiating input insert inserted inserting install installed installing instance instead insufficient interface
internal interrupt interrupted interval into invalid invalidated invoke invoked invoking is issue issued it item its
job join joined joining just keep keepalive keeping kernel key kill killed killing last launch launched launching
leader lease leave leaving left length less level limit limited line link linked list listen listener listening load
loaded loading local locate located location lock locked locking log logged logging login logout long longer look
lookup loss lost low machine main maintenance make making malformed manager map mapping mark marked marking master
match matched matching max maximum may me measured memory merge merged merging message messages metadata method
might migrate migrated migration min minimum missing mode modified module monitor more most mount mounted mounting
move moved moving must my name need needed negotiated negotiating network never new next no node non none normal
normally not note nothing notice notification notified notify now null number object obtain obtained occupied
occurred of off offline offset ok old on once online only onto open opened opening operation option or order other
our out output over overflow overlap overloaded own owner packet page panic parameter parent parse parsed parsing
part partial partition pass passed password path pause paused pausing peer pending per perform performed performing
period permission permitted persist persisted ping pool port possible possibly post power preempted prepare prepared
preparing present press pressure prevent previous primary print priority privileged probe problem process processed
processing produce profile program progress promote promoted promoting protocol provided proxy publish published
pull pulled pulling purge purged push pushed put query queue queued quit quota raised range rate reach reached
reaching read reading ready really reason reboot rebooted rebooting receive received receiver receiving reclaim
recompute reconnect reconnected reconnecting record recorded recover recovered recovering recovery redirect reduce
reference refresh refreshed refused register registered registering registration reject rejected rejecting release
released releasing reload reloaded reloading remaining remote removal remove removed removing rename renamed renew
renewed repair repaired repeated replace replaced replica replication reply report reported reporting request
requested requesting requests require required requires reset resetting resize resized resolve resolved resolving
resource resources respond responded response restart restarted restarting restore restored restoring result resume
resumed resuming retried retry retrying return returned returning revert reverted revoked rise role roll rollback
rolled rotate rotated rotating route run running same save saved saving scale scaled scaling scan scanned scanning
schedule scheduled scheduler scheduling schema script search second secondary seconds secure see select selected
send sending sent sequence serial serve served server service session set setting settings setup severity shall
share shared she short should show shut shutdown shutting signal since size skip skipped skipping sleep slow
snapshot so socket software some source space spawned spawning specified speed split stale standby start started
starting starts startup state static statistics status step still stop stopped stopping stops storage store stored
storing stratum stream string submit submitted submitting succeeded success successful successfully such suspend
suspended suspending switch switched switching sync synced synchronization synchronized syncing system table take
taken taking target task tasks temperature temporary terminate terminated terminating test tested than that the
their then there these they this those thread threshold throttled throttling through throw thrown tick till time
timed timeout timeouts timer times to told too took topic total trace transaction transfer transferred transferring
transition transitioned tries trigger triggered triggering true truncate truncated trusted try trying turn turned
type unable unavailable unblocked unchanged under unexpected unexpectedly unhealthy uninitialized uninstalled unit
unknown unload unloaded unlock unlocked unmount unmounted unplug unreachable unrecognized unregister unregistered
unsupported until unused up update updated updating upgrade upgraded upgrading upload uploaded uploading usage use
used user using valid validate validated validating validation value values verified verify verifying version very
via view virtual volume wait waited waiting wake wakeup warm warn warning was watch watchdog we were when where
while why will window with within without work worker working would write writing written wrong yet yield you your
zero zone
"""
WORDS = frozenset(_TEXT.split())
