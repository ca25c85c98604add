BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audit (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	case_id TEXT, 
	parent INTEGER, 
	detail TEXT NOT NULL
, hash TEXT DEFAULT '' NOT NULL);
INSERT INTO "audit" VALUES(1,'2026-03-04 05:06:07.000000','daemon','case.Opened','worked',NULL,'{"entry": "1"}','');
INSERT INTO "audit" VALUES(2,'2026-03-04 05:06:07.000000','daemon','effect.promised','worked',1,'{"key": "born worked@mail", "kind": "SendNotice"}','');
INSERT INTO "audit" VALUES(3,'2026-03-04 05:06:07.000000','daemon','effect.done','worked',2,'{"key": "born worked@mail", "kind": "SendNotice"}','');
INSERT INTO "audit" VALUES(4,'2026-03-04 05:11:07.000000','daemon','case.Closed','worked',NULL,'{"entry": "2"}','');
INSERT INTO "audit" VALUES(5,'2026-03-04 05:06:07.000000','daemon','case.Opened','young',NULL,'{"entry": "1"}','');
INSERT INTO "audit" VALUES(6,'2026-03-04 05:06:07.000000','daemon','effect.promised','young',5,'{"key": "born young@mail", "kind": "SendNotice"}','');
INSERT INTO "audit" VALUES(7,'2026-03-04 05:06:07.000000','daemon','case.Opened','drafted',NULL,'{"entry": "1"}','');
INSERT INTO "audit" VALUES(8,'2026-03-04 05:06:07.000000','daemon','effect.promised','drafted',7,'{"key": "born drafted@mail", "kind": "SendNotice"}','');
INSERT INTO "audit" VALUES(9,'2026-03-04 05:07:07.000000','daemon','case.Diagnosed','drafted',NULL,'{"entry": "2"}','');
INSERT INTO "audit" VALUES(10,'2026-03-04 05:07:07.000000','daemon','case.Drafted','drafted',NULL,'{"entry": "3"}','');
INSERT INTO "audit" VALUES(11,'2026-03-04 05:07:07.000000','daemon','effect.promised','drafted',10,'{"key": "push drafted", "kind": "PushBranch"}','');
INSERT INTO "audit" VALUES(12,'2026-03-04 05:06:07.000000','daemon','case.Opened','proposed',NULL,'{"entry": "1"}','');
INSERT INTO "audit" VALUES(13,'2026-03-04 05:06:07.000000','daemon','effect.promised','proposed',12,'{"key": "born proposed@mail", "kind": "SendNotice"}','');
INSERT INTO "audit" VALUES(14,'2026-03-04 05:07:07.000000','daemon','case.Diagnosed','proposed',NULL,'{"entry": "2"}','');
INSERT INTO "audit" VALUES(15,'2026-03-04 05:07:07.000000','daemon','case.Drafted','proposed',NULL,'{"entry": "3"}','');
INSERT INTO "audit" VALUES(16,'2026-03-04 05:07:07.000000','daemon','case.Proved','proposed',NULL,'{"entry": "4"}','');
INSERT INTO "audit" VALUES(17,'2026-03-04 05:07:07.000000','daemon','effect.promised','proposed',16,'{"key": "push proposed", "kind": "PushBranch"}','');
INSERT INTO "audit" VALUES(18,'2026-03-04 05:06:07.000000','daemon','effect.adopted','proposed',17,'{"key": "push proposed", "kind": "PushBranch"}','');
INSERT INTO "audit" VALUES(19,'2026-03-04 05:07:07.000000','daemon','case.Proposed','proposed',NULL,'{"entry": "5"}','');
INSERT INTO "audit" VALUES(20,'2026-03-04 05:07:07.000000','daemon','effect.promised','proposed',19,'{"key": "comment proposed", "kind": "PostComment"}','');
INSERT INTO "audit" VALUES(21,'2026-03-04 05:06:07.000000','sre','pause.on',NULL,NULL,'{"reason": "a release"}','');
INSERT INTO "audit" VALUES(22,'2026-03-04 05:06:07.000000','daemon','audit.sealed',NULL,NULL,'{"lines": "21", "upto": "21"}','daabc88489782bf81b24ced17f64f76264f01877b3833b6e79dfd31aecc26aeb');
INSERT INTO "audit" VALUES(23,'2026-03-04 05:06:07.000000','daemon','daemon.started',NULL,NULL,'{}','9824bb53f829b2884cce8f3f0db3915c572434cc9548c2b02f2979453c9122df');
CREATE TABLE cases (
	id TEXT NOT NULL, 
	service TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	hold TEXT NOT NULL, 
	opened DATETIME NOT NULL, 
	updated DATETIME NOT NULL, 
	due DATETIME, 
	wake DATETIME, 
	lease_owner TEXT, 
	lease_until DATETIME, 
	fence INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cases" VALUES('worked','shop','print of worked','closed','none','2026-03-04 05:06:07.000000','2026-03-04 05:11:07.000000',NULL,NULL,NULL,NULL,0,2);
INSERT INTO "cases" VALUES('young','shop','print of young','open','none','2026-03-04 05:06:07.000000','2026-03-04 05:06:07.000000','2026-03-04 05:06:07.000000',NULL,NULL,NULL,0,1);
INSERT INTO "cases" VALUES('drafted','shop','print of drafted','drafted','none','2026-03-04 05:06:07.000000','2026-03-04 05:07:07.000000',NULL,NULL,'dead','2026-03-04 05:06:37.000000',1,3);
INSERT INTO "cases" VALUES('proposed','shop','print of proposed','proposed','none','2026-03-04 05:06:07.000000','2026-03-04 05:07:07.000000','2026-03-04 05:16:07.000000',NULL,NULL,NULL,1,5);
CREATE TABLE checkpoints (
	"key" TEXT NOT NULL, 
	blob BLOB NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "checkpoints" VALUES('cursor',X'00FF','2026-03-04 05:06:07.000000');
CREATE TABLE daemons (
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	config TEXT NOT NULL, 
	host TEXT NOT NULL, 
	started DATETIME NOT NULL, 
	seen DATETIME NOT NULL, 
	working TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE deploys (
	id TEXT NOT NULL, 
	service TEXT NOT NULL, 
	"commit" TEXT NOT NULL, 
	started DATETIME NOT NULL, 
	environment TEXT NOT NULL, 
	source TEXT NOT NULL, 
	received DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "deploys" VALUES('a5b6911d97ddfa0cc3fc0cd462c51db3','shop','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','2026-03-04 05:06:07.000000','production','webhook','2026-03-04 05:06:07.000000');
CREATE TABLE effects (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" TEXT NOT NULL, 
	case_id TEXT, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	due DATETIME NOT NULL, 
	last_error TEXT NOT NULL, 
	receipt TEXT, 
	created DATETIME NOT NULL, 
	promised INTEGER, 
	UNIQUE ("key"), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "effects" VALUES(1,'born worked@mail','worked','SendNotice','{"key":"born worked@mail","receiver":"mail","notice":{"key":"born worked","severity":"page","subject":"errors","text":"they rose","case":"worked","link":""}}','done',0,'2026-03-04 05:06:07.000000','','{"key":"born worked@mail","adopted":false,"facts":{}}','2026-03-04 05:06:07.000000',2);
INSERT INTO "effects" VALUES(2,'born young@mail','young','SendNotice','{"key":"born young@mail","receiver":"mail","notice":{"key":"born young","severity":"page","subject":"errors","text":"they rose","case":"young","link":""}}','intended',0,'2026-03-04 05:06:07.000000','',NULL,'2026-03-04 05:06:07.000000',6);
INSERT INTO "effects" VALUES(3,'born drafted@mail','drafted','SendNotice','{"key":"born drafted@mail","receiver":"mail","notice":{"key":"born drafted","severity":"page","subject":"errors","text":"they rose","case":"drafted","link":""}}','intended',0,'2026-03-04 05:06:07.000000','',NULL,'2026-03-04 05:06:07.000000',8);
INSERT INTO "effects" VALUES(4,'push drafted','drafted','PushBranch','{"key":"push drafted","repository":"shop","branch":"trackwalker/drafted-1","base":"0000000000000000000000000000000000000000","edits":[{"path":"shop/pricing.py","content":"eCA9IDEK_w==","executable":true},{"path":"gone","content":null,"executable":false}],"message":"Undo"}','intended',0,'2026-03-04 05:07:07.000000','',NULL,'2026-03-04 05:07:07.000000',11);
INSERT INTO "effects" VALUES(5,'born proposed@mail','proposed','SendNotice','{"key":"born proposed@mail","receiver":"mail","notice":{"key":"born proposed","severity":"page","subject":"errors","text":"they rose","case":"proposed","link":""}}','intended',0,'2026-03-04 05:06:07.000000','',NULL,'2026-03-04 05:06:07.000000',13);
INSERT INTO "effects" VALUES(6,'push proposed','proposed','PushBranch','{"key":"push proposed","repository":"shop","branch":"trackwalker/proposed-1","base":"0000000000000000000000000000000000000000","edits":[{"path":"shop/pricing.py","content":"eCA9IDEK_w==","executable":true},{"path":"gone","content":null,"executable":false}],"message":"Undo"}','done',0,'2026-03-04 05:07:07.000000','','{"key":"push proposed","adopted":true,"facts":{"sha":"1111111111111111111111111111111111111111"}}','2026-03-04 05:07:07.000000',17);
INSERT INTO "effects" VALUES(7,'comment proposed','proposed','PostComment','{"key":"comment proposed","repository":"shop","branch":"trackwalker/proposed-1","body":"told you"}','intended',1,'2026-03-04 05:07:07.000000','503',NULL,'2026-03-04 05:07:07.000000',20);
CREATE TABLE history (
	case_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY (case_id, seq), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "history" VALUES('worked',1,'2026-03-04 05:06:07.000000','daemon','Opened','{"case_id":"worked","service":"shop","fingerprint":"print of worked","anomaly":{"signal":{"name":"errors","service":"shop","source":"main","query":"error_ratio","harm":"up","severity":"page","threshold":null,"pick":{},"rule":""},"labels":{"service":"shop","route":"/checkout"},"detector":"seasonal","kind":"level","direction":"up","onset":"2026-03-04T05:01:07Z","onset_bound_s":5.0,"detected":"2026-03-04T05:02:07Z","value":0.31,"expected":0.01,"low":0.0,"high":0.03,"score":0.98}}');
INSERT INTO "history" VALUES('worked',2,'2026-03-04 05:11:07.000000','daemon','Closed','{"outcome":{"ending":"worked","change":1,"because":"it fell","at":"2026-03-04T05:06:07Z","judgement":{"change":1,"ruling":"worked","at":"2026-03-04T05:06:07Z","because":"it fell","signal":"shop/errors","effect":-0.3,"low":-0.32,"high":-0.28,"confidence":0.95,"normal":0.01,"anomalous":0.31,"after":0.01,"evidence":1000000.0,"samples":30,"settings":"alpha 1%"}},"lesson":{"id":"lesson of worked","at":"2026-03-04T05:06:07Z","fingerprint":"print of worked","service":"shop","signal":"shop/errors","strategy":"playbook:revert-the-culprit","ending":"worked","subject":"c0ffee00c0 Round discounts","paths":["shop/pricing.py"],"text":"reverting worked","case":"deadbeef","pull_request":"http://127.0.0.1/1"}}');
INSERT INTO "history" VALUES('young',1,'2026-03-04 05:06:07.000000','daemon','Opened','{"case_id":"young","service":"shop","fingerprint":"print of young","anomaly":{"signal":{"name":"errors","service":"shop","source":"main","query":"error_ratio","harm":"up","severity":"page","threshold":null,"pick":{},"rule":""},"labels":{"service":"shop","route":"/checkout"},"detector":"seasonal","kind":"level","direction":"up","onset":"2026-03-04T05:01:07Z","onset_bound_s":5.0,"detected":"2026-03-04T05:02:07Z","value":0.31,"expected":0.01,"low":0.0,"high":0.03,"score":0.98}}');
INSERT INTO "history" VALUES('drafted',1,'2026-03-04 05:06:07.000000','daemon','Opened','{"case_id":"drafted","service":"shop","fingerprint":"print of drafted","anomaly":{"signal":{"name":"errors","service":"shop","source":"main","query":"error_ratio","harm":"up","severity":"page","threshold":null,"pick":{},"rule":""},"labels":{"service":"shop","route":"/checkout"},"detector":"seasonal","kind":"level","direction":"up","onset":"2026-03-04T05:01:07Z","onset_bound_s":5.0,"detected":"2026-03-04T05:02:07Z","value":0.31,"expected":0.01,"low":0.0,"high":0.03,"score":0.98}}');
INSERT INTO "history" VALUES('drafted',2,'2026-03-04 05:07:07.000000','daemon','Diagnosed','{"diagnosis":{"finding":"suspect","claim":"c0ffee00c0 was deployed before the onset","facts":[{"id":"E1","fact":"errors read 0.31","source":"main: error_ratio","at":"2026-03-04T05:06:07Z","numbers":{"value":0.31}}],"suspects":[{"commit":{"sha":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","at":"2026-03-04T04:56:07Z","author":"shop developer","title":"Round discounts","parents":["0123456789abcdef0123456789abcdef01234567"],"files":["shop/pricing.py"],"patch":"-    return price\n+    return round(price)\n","pull_request":12},"repository":"shop","score":0.8,"deployed":"2026-03-04T05:00:07Z","before_onset":true,"mechanism":"it changes /checkout","evidence":["E3"]}],"confidence":0.8,"disproof":"errors stay up","alternatives":[],"recalled":[],"blind":[],"hypotheses":[]}}');
INSERT INTO "history" VALUES('drafted',3,'2026-03-04 05:07:07.000000','daemon','Drafted','{"change":{"number":1,"kind":"revert","origin":"playbook:revert-the-culprit","title":"Revert “Round discounts”","summary":"Undoes it.","parts":[{"repository":"shop","base":"0123456789abcdef0123456789abcdef01234567","edits":[{"path":"shop/pricing.py","content":"eCA9IDEK_w==","executable":true},{"path":"gone","content":null,"executable":false}],"diff":"-a\n+b\n","added":1,"removed":1,"runs":null}],"promise":{"signal":"shop/errors","direction":"down","before":0.31,"after":0.01,"horizon":"PT30M"},"blast_radius":{"files":2,"lines":2,"services":["shop"],"owners":["@sre"],"removes":"","migrations":"not checked"},"inverse_of":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","blames":null,"tests":[],"because":"","cost":"","rolls_back":null}}');
INSERT INTO "history" VALUES('proposed',1,'2026-03-04 05:06:07.000000','daemon','Opened','{"case_id":"proposed","service":"shop","fingerprint":"print of proposed","anomaly":{"signal":{"name":"errors","service":"shop","source":"main","query":"error_ratio","harm":"up","severity":"page","threshold":null,"pick":{},"rule":""},"labels":{"service":"shop","route":"/checkout"},"detector":"seasonal","kind":"level","direction":"up","onset":"2026-03-04T05:01:07Z","onset_bound_s":5.0,"detected":"2026-03-04T05:02:07Z","value":0.31,"expected":0.01,"low":0.0,"high":0.03,"score":0.98}}');
INSERT INTO "history" VALUES('proposed',2,'2026-03-04 05:07:07.000000','daemon','Diagnosed','{"diagnosis":{"finding":"suspect","claim":"c0ffee00c0 was deployed before the onset","facts":[{"id":"E1","fact":"errors read 0.31","source":"main: error_ratio","at":"2026-03-04T05:06:07Z","numbers":{"value":0.31}}],"suspects":[{"commit":{"sha":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","at":"2026-03-04T04:56:07Z","author":"shop developer","title":"Round discounts","parents":["0123456789abcdef0123456789abcdef01234567"],"files":["shop/pricing.py"],"patch":"-    return price\n+    return round(price)\n","pull_request":12},"repository":"shop","score":0.8,"deployed":"2026-03-04T05:00:07Z","before_onset":true,"mechanism":"it changes /checkout","evidence":["E3"]}],"confidence":0.8,"disproof":"errors stay up","alternatives":[],"recalled":[],"blind":[],"hypotheses":[]}}');
INSERT INTO "history" VALUES('proposed',3,'2026-03-04 05:07:07.000000','daemon','Drafted','{"change":{"number":1,"kind":"revert","origin":"playbook:revert-the-culprit","title":"Revert “Round discounts”","summary":"Undoes it.","parts":[{"repository":"shop","base":"0123456789abcdef0123456789abcdef01234567","edits":[{"path":"shop/pricing.py","content":"eCA9IDEK_w==","executable":true},{"path":"gone","content":null,"executable":false}],"diff":"-a\n+b\n","added":1,"removed":1,"runs":null}],"promise":{"signal":"shop/errors","direction":"down","before":0.31,"after":0.01,"horizon":"PT30M"},"blast_radius":{"files":2,"lines":2,"services":["shop"],"owners":["@sre"],"removes":"","migrations":"not checked"},"inverse_of":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","blames":null,"tests":[],"because":"","cost":"","rolls_back":null}}');
INSERT INTO "history" VALUES('proposed',4,'2026-03-04 05:07:07.000000','daemon','Proved','{"trial":{"change":1,"base":"0123456789abcdef0123456789abcdef01234567","sandbox":"scripted","at":"2026-03-04T05:06:07Z","checks":[{"name":"Reproduction","verdict":0,"base":"exit 1","change":"exit 0","detail":"","seconds":0.5}],"claim":"proved","seconds":1.0,"own_seconds":0.5}}');
INSERT INTO "history" VALUES('proposed',5,'2026-03-04 05:07:07.000000','daemon','Proposed','{"change":1,"repository":"shop","branch":"trackwalker/deadbeef-1"}');
CREATE TABLE lessons (
	id TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	fingerprint TEXT NOT NULL, 
	service TEXT NOT NULL, 
	case_id TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "lessons" VALUES('lesson of worked','2026-03-04 05:06:07.000000','print of worked','shop','worked','{"id":"lesson of worked","at":"2026-03-04T05:06:07Z","fingerprint":"print of worked","service":"shop","signal":"shop/errors","strategy":"playbook:revert-the-culprit","ending":"worked","subject":"c0ffee00c0 Round discounts","paths":["shop/pricing.py"],"text":"reverting worked","case":"deadbeef","pull_request":"http://127.0.0.1/1"}');
CREATE TABLE levers (
	seq INTEGER NOT NULL, 
	lever TEXT NOT NULL, 
	"on" INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "levers" VALUES(1,'pause',1,'2026-03-04 05:06:07.000000','sre','a release');
CREATE TABLE spend (
	id TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	case_id TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	model TEXT NOT NULL, 
	reserved FLOAT NOT NULL, 
	usd FLOAT, 
	input_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "spend" VALUES('38e208382fe14324a8cbd7964d066f85','2026-03-04 05:06:07.000000','drafted','diagnose','m',0.5,0.25,100,10);
INSERT INTO "spend" VALUES('040bfe6a2e904631b8cb919962ab7044','2026-03-04 05:06:07.000000','drafted','edit','m',0.5,NULL,0,0);
CREATE INDEX cases_by_opened ON cases (opened);
CREATE UNIQUE INDEX one_active_case_a_fingerprint ON cases (fingerprint) WHERE phase <> 'closed';
CREATE INDEX cases_by_due ON cases (due);
CREATE INDEX cases_by_lease ON cases (lease_until);
CREATE INDEX audit_by_case ON audit (case_id, seq);
CREATE INDEX spend_by_time ON spend (at);
CREATE INDEX spend_by_case ON spend (case_id);
CREATE INDEX deploys_by_service ON deploys (service, started);
CREATE INDEX effects_by_due ON effects (state, due);
CREATE INDEX effects_by_case ON effects (case_id, state);
CREATE INDEX lessons_by_service ON lessons (service);
CREATE INDEX lessons_by_fingerprint ON lessons (fingerprint);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',23);
INSERT INTO "sqlite_sequence" VALUES('effects',7);
COMMIT;
