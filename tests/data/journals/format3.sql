BEGIN TRANSACTION;
CREATE TABLE answered (
    key TEXT PRIMARY KEY, revision INTEGER NOT NULL, digest TEXT NOT NULL,
    ack TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "answered" VALUES('body:3a63e827539703ceb1aa3ea19cd306b402411eca6e041197c4752d4f6b7d2451',0,'3a63e827539703ceb1aa3ea19cd306b402411eca6e041197c4752d4f6b7d2451','{"op":"setLock","status":"success","data":{"loadId":"pump1","locked":true},"ts":1764000120}',1764000120000);
INSERT INTO "answered" VALUES('body:6aabd0a055115ff27d4b9a10e49a7ec8b217ec2ee28d51a26e1eff27d7630c42',0,'6aabd0a055115ff27d4b9a10e49a7ec8b217ec2ee28d51a26e1eff27d7630c42','{"op":"setLoad","status":"success","data":{"loadId":"lights1","enabled":false},"ts":1764000120}',1764000120000);
INSERT INTO "answered" VALUES('event:later',0,'c3574c54d27f57fa40211c064085dd1c22b5ac9a728503ca06b147fba0d05d7c','{"op":"event","status":"scheduled","event_id":"later","requested_shed_kw":1.0,"start_ts":1764007320,"end_ts":1764009120,"ts":1764000120}',1764000120000);
INSERT INTO "answered" VALUES('event:now',0,'e2beaba66eb96158e511fd7118be383b52daafb0f3729970f475b95422d17ae8','{"op":"event","status":"accepted","event_id":"now","requested_shed_kw":2.0,"actual_shed_kw":2.0,"circuits_curtailed":[{"id":"heater1","name":"Heater","original_kw":1.5,"curtailed_kw":1.5,"final_kw":0.0,"critical":false},{"id":"misc1","name":"House Load","original_kw":1.0,"curtailed_kw":0.5,"final_kw":0.5,"critical":false}],"ts":1764000120,"correlationId":"c-now"}',1764000120000);
INSERT INTO "answered" VALUES('event:over',0,'64b38325ef49c6a6f378706036673acf7fef6dcfc3c7af029b66f013e5c8dc6a','{"op":"event","status":"accepted","event_id":"over","requested_shed_kw":0.3,"actual_shed_kw":0.3,"circuits_curtailed":[{"id":"heater1","name":"Heater","original_kw":1.5,"curtailed_kw":0.3,"final_kw":1.2,"critical":false}],"ts":1764000000}',1764000000000);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "counter" VALUES('message',41);
CREATE TABLE decision (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, trigger TEXT NOT NULL, effects TEXT NOT NULL);
INSERT INTO "decision" VALUES(1,1764000000000,'Restarted {"at_ms": 1764000000000, "boot": "boot-1"}','Switch {"circuit": "ev1", "enabled": false}
Hold {"circuit": "heater1", "watts": null, "until_ms": 1764000120000}
Hold {"circuit": "lights1", "watts": null, "until_ms": 1764000120000}
Hold {"circuit": "misc1", "watts": null, "until_ms": 1764000120000}
Hold {"circuit": "ev1", "watts": null, "until_ms": 1764000120000}
Hold {"circuit": "pump1", "watts": null, "until_ms": 1764000120000}
Hold {"circuit": "hvac1", "watts": null, "until_ms": 1764000120000}
Switch {"circuit": "heater1", "enabled": true}
Switch {"circuit": "lights1", "enabled": true}
Switch {"circuit": "misc1", "enabled": true}
Switch {"circuit": "pump1", "enabled": true}
Switch {"circuit": "hvac1", "enabled": true}
Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(2,1764000000000,'Readings {"at_ms": 1764000000000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(3,1764000000000,'DrEvent {"at_ms": 1764000000000, "op": "event", "source": "operator", "correlation": null, "key": "event:over", "event_id": "over", "shed_w": 300, "start_ms": null, "duration_ms": 60000, "revision": 0, "issued_ms": null, "randomize_ms": 0}','Hold {"circuit": "heater1", "watts": 1200, "until_ms": 1764000120000}
Ack {"body": {"op": "event", "status": "accepted", "event_id": "over", "requested_shed_kw": 0.3, "actual_shed_kw": 0.3, "circuits_curtailed": [{"id": "heater1", "name": "Heater", "original_kw": 1.5, "curtailed_kw": 0.3, "final_kw": 1.2, "critical": false}], "ts": 1764000000}, "key": "event:over", "revision": 0}
Status {"body": {"type": "event", "event_id": "over", "state": "started", "ts": 1764000000, "requested_shed_kw": 0.3, "commanded_shed_kw": 0.3, "measured_shed_kw": 0.0}}
Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(4,1764000005000,'Timer {"at_ms": 1764000005000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(5,1764000005000,'Readings {"at_ms": 1764000005000, "unmetered_w": 300}','Status {"body": {"type": "event", "event_id": "over", "state": "achieved", "ts": 1764000005, "requested_shed_kw": 0.3, "commanded_shed_kw": 0.3, "measured_shed_kw": 0.3}}');
INSERT INTO "decision" VALUES(6,1764000010000,'Timer {"at_ms": 1764000010000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(7,1764000010000,'Readings {"at_ms": 1764000010000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(8,1764000015000,'Timer {"at_ms": 1764000015000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(9,1764000015000,'Readings {"at_ms": 1764000015000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(10,1764000020000,'Timer {"at_ms": 1764000020000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(11,1764000020000,'Readings {"at_ms": 1764000020000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(12,1764000025000,'Timer {"at_ms": 1764000025000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(13,1764000025000,'Readings {"at_ms": 1764000025000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(14,1764000030000,'Timer {"at_ms": 1764000030000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(15,1764000030000,'Readings {"at_ms": 1764000030000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(16,1764000035000,'Timer {"at_ms": 1764000035000}','Wake {"at_ms": 1764000040000}');
INSERT INTO "decision" VALUES(17,1764000035000,'Readings {"at_ms": 1764000035000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(18,1764000040000,'Timer {"at_ms": 1764000040000}','Hold {"circuit": "heater1", "watts": 1200, "until_ms": 1764000160000}
Wake {"at_ms": 1764000060000}');
INSERT INTO "decision" VALUES(19,1764000040000,'Readings {"at_ms": 1764000040000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(20,1764000045000,'Timer {"at_ms": 1764000045000}','Wake {"at_ms": 1764000060000}');
INSERT INTO "decision" VALUES(21,1764000045000,'Readings {"at_ms": 1764000045000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(22,1764000050000,'Timer {"at_ms": 1764000050000}','Wake {"at_ms": 1764000060000}');
INSERT INTO "decision" VALUES(23,1764000050000,'Readings {"at_ms": 1764000050000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(24,1764000055000,'Timer {"at_ms": 1764000055000}','Wake {"at_ms": 1764000060000}');
INSERT INTO "decision" VALUES(25,1764000055000,'Readings {"at_ms": 1764000055000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(26,1764000060000,'Timer {"at_ms": 1764000060000}','Hold {"circuit": "heater1", "watts": null, "until_ms": 1764000180000}
Status {"body": {"type": "event", "event_id": "over", "state": "restoring", "ts": 1764000060, "requested_shed_kw": 0.3, "commanded_shed_kw": 0.0, "measured_shed_kw": 0.0}}
Status {"body": {"type": "event", "event_id": "over", "state": "completed", "ts": 1764000060, "requested_shed_kw": 0.3, "commanded_shed_kw": 0.0, "measured_shed_kw": 0.0}}
Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(27,1764000060000,'Readings {"at_ms": 1764000060000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(28,1764000065000,'Timer {"at_ms": 1764000065000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(29,1764000065000,'Readings {"at_ms": 1764000065000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(30,1764000070000,'Timer {"at_ms": 1764000070000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(31,1764000070000,'Readings {"at_ms": 1764000070000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(32,1764000075000,'Timer {"at_ms": 1764000075000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(33,1764000075000,'Readings {"at_ms": 1764000075000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(34,1764000080000,'Timer {"at_ms": 1764000080000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(35,1764000080000,'Readings {"at_ms": 1764000080000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(36,1764000085000,'Timer {"at_ms": 1764000085000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(37,1764000085000,'Readings {"at_ms": 1764000085000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(38,1764000090000,'Timer {"at_ms": 1764000090000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(39,1764000090000,'Readings {"at_ms": 1764000090000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(40,1764000095000,'Timer {"at_ms": 1764000095000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(41,1764000095000,'Readings {"at_ms": 1764000095000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(42,1764000100000,'Timer {"at_ms": 1764000100000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(43,1764000100000,'Readings {"at_ms": 1764000100000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(44,1764000105000,'Timer {"at_ms": 1764000105000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(45,1764000105000,'Readings {"at_ms": 1764000105000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(46,1764000110000,'Timer {"at_ms": 1764000110000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(47,1764000110000,'Readings {"at_ms": 1764000110000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(48,1764000115000,'Timer {"at_ms": 1764000115000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(49,1764000115000,'Readings {"at_ms": 1764000115000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(50,1764000120000,'Timer {"at_ms": 1764000120000}','Wake {"at_ms": null}');
INSERT INTO "decision" VALUES(51,1764000120000,'Readings {"at_ms": 1764000120000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(52,1764000120000,'Connected {"at_ms": 1764000120000}','GetShadow {"token": 1, "key": ""}
Wake {"at_ms": 1764000130000}');
INSERT INTO "decision" VALUES(53,1764000120000,'Document {"at_ms": 1764000120000, "key": "", "version": 7, "wishes": null, "refusals": {}, "doubled": [], "interval": null, "server_s": 1764000120, "token": 1, "acked": []}','Report {"token": 2, "reported": {"power_kw": 7.5, "shed_kw": 0.0, "base_power_kw": 7.5, "circuits": [{"id": "heater1", "name": "Heater", "enabled": true, "current_kw": 1.5, "critical": false}, {"id": "lights1", "name": "Lights", "enabled": true, "current_kw": 0.4, "critical": false}, {"id": "misc1", "name": "House Load", "enabled": true, "current_kw": 1.0, "critical": false}, {"id": "ev1", "name": "EV Charger", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "pump1", "name": "Pump", "enabled": true, "current_kw": 0.8, "critical": false}, {"id": "hvac1", "name": "HVAC", "enabled": true, "current_kw": 3.5, "critical": true}], "circuit_shadows": null, "active_event": null, "report_interval_seconds": 5, "timestamp": 1764000120}, "clears": [], "version": null, "key": ""}');
INSERT INTO "decision" VALUES(54,1764000120000,'Answered {"at_ms": 1764000120000, "key": "", "token": 2, "settles": false, "version": 8, "server_s": 1764000120}','Wake {"at_ms": 1764000150000}');
INSERT INTO "decision" VALUES(55,1764000120000,'Toggle {"at_ms": 1764000120000, "op": "setLoad", "source": "page", "correlation": null, "key": "body:6aabd0a055115ff27d4b9a10e49a7ec8b217ec2ee28d51a26e1eff27d7630c42", "circuit": "lights1", "enabled": false, "confirmed": false}','Switch {"circuit": "lights1", "enabled": false}
Ack {"body": {"op": "setLoad", "status": "success", "data": {"loadId": "lights1", "enabled": false}, "ts": 1764000120}, "key": "body:6aabd0a055115ff27d4b9a10e49a7ec8b217ec2ee28d51a26e1eff27d7630c42", "revision": 0}
Wake {"at_ms": 1764000121000}');
INSERT INTO "decision" VALUES(56,1764000120000,'Switched {"at_ms": 1764000120000, "circuit": "lights1", "enabled": false, "fault": null}','');
INSERT INTO "decision" VALUES(57,1764000120000,'Lock {"at_ms": 1764000120000, "op": "setLock", "source": "page", "correlation": null, "key": "body:3a63e827539703ceb1aa3ea19cd306b402411eca6e041197c4752d4f6b7d2451", "circuit": "pump1", "locked": true}','Ack {"body": {"op": "setLock", "status": "success", "data": {"loadId": "pump1", "locked": true}, "ts": 1764000120}, "key": "body:3a63e827539703ceb1aa3ea19cd306b402411eca6e041197c4752d4f6b7d2451", "revision": 0}');
INSERT INTO "decision" VALUES(58,1764000120000,'DrEvent {"at_ms": 1764000120000, "op": "event", "source": "operator", "correlation": null, "key": "event:later", "event_id": "later", "shed_w": 1000, "start_ms": 1764007320000, "duration_ms": 1800000, "revision": 0, "issued_ms": null, "randomize_ms": 0}','Ack {"body": {"op": "event", "status": "scheduled", "event_id": "later", "requested_shed_kw": 1.0, "start_ts": 1764007320, "end_ts": 1764009120, "ts": 1764000120}, "key": "event:later", "revision": 0}');
INSERT INTO "decision" VALUES(59,1764000120000,'DrEvent {"at_ms": 1764000120000, "op": "event", "source": "operator", "correlation": "c-now", "key": "event:now", "event_id": "now", "shed_w": 2000, "start_ms": null, "duration_ms": 3600000, "revision": 0, "issued_ms": null, "randomize_ms": 0}','Hold {"circuit": "heater1", "watts": 0, "until_ms": 1764000240000}
Hold {"circuit": "misc1", "watts": 500, "until_ms": 1764000240000}
Ack {"body": {"op": "event", "status": "accepted", "event_id": "now", "requested_shed_kw": 2.0, "actual_shed_kw": 2.0, "circuits_curtailed": [{"id": "heater1", "name": "Heater", "original_kw": 1.5, "curtailed_kw": 1.5, "final_kw": 0.0, "critical": false}, {"id": "misc1", "name": "House Load", "original_kw": 1.0, "curtailed_kw": 0.5, "final_kw": 0.5, "critical": false}], "ts": 1764000120, "correlationId": "c-now"}, "key": "event:now", "revision": 0}
Status {"body": {"type": "event", "event_id": "now", "state": "started", "ts": 1764000120, "requested_shed_kw": 2.0, "commanded_shed_kw": 2.0, "measured_shed_kw": 0.0}}');
INSERT INTO "decision" VALUES(60,1764000125000,'Timer {"at_ms": 1764000125000}','Report {"token": 3, "reported": {"power_kw": 7.5, "shed_kw": 0.0, "base_power_kw": 7.5, "circuits": [{"id": "heater1", "name": "Heater", "enabled": true, "current_kw": 1.5, "critical": false}, {"id": "lights1", "name": "Lights", "enabled": false, "current_kw": 0.4, "critical": false}, {"id": "misc1", "name": "House Load", "enabled": true, "current_kw": 1.0, "critical": false}, {"id": "ev1", "name": "EV Charger", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "pump1", "name": "Pump", "enabled": true, "current_kw": 0.8, "critical": false}, {"id": "hvac1", "name": "HVAC", "enabled": true, "current_kw": 3.5, "critical": true}], "circuit_shadows": null, "active_event": {"event_id": "now", "shed_kw": 2.0, "end_ts": 1764003720}, "report_interval_seconds": 5, "timestamp": 1764000125}, "clears": [], "version": null, "key": ""}
Wake {"at_ms": 1764000135000}');
INSERT INTO "decision" VALUES(61,1764000125000,'Readings {"at_ms": 1764000125000, "unmetered_w": 300}','Status {"body": {"type": "event", "event_id": "now", "state": "achieved", "ts": 1764000125, "requested_shed_kw": 2.0, "commanded_shed_kw": 2.0, "measured_shed_kw": 2.0}}');
INSERT INTO "decision" VALUES(62,1764000125000,'Answered {"at_ms": 1764000125000, "key": "", "token": 3, "settles": false, "version": 9, "server_s": 1764000125}','Wake {"at_ms": 1764000126000}');
INSERT INTO "decision" VALUES(63,1764000130000,'Timer {"at_ms": 1764000130000}','Report {"token": 4, "reported": {"power_kw": 5.1, "shed_kw": 2.0, "base_power_kw": 7.1, "circuits": [{"id": "heater1", "name": "Heater", "enabled": true, "current_kw": 0.0, "critical": false}, {"id": "lights1", "name": "Lights", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "misc1", "name": "House Load", "enabled": true, "current_kw": 0.5, "critical": false}, {"id": "ev1", "name": "EV Charger", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "pump1", "name": "Pump", "enabled": true, "current_kw": 0.8, "critical": false}, {"id": "hvac1", "name": "HVAC", "enabled": true, "current_kw": 3.5, "critical": true}], "circuit_shadows": null, "active_event": {"event_id": "now", "shed_kw": 2.0, "end_ts": 1764003720}, "report_interval_seconds": 5, "timestamp": 1764000130}, "clears": [], "version": null, "key": ""}
Wake {"at_ms": 1764000140000}');
INSERT INTO "decision" VALUES(64,1764000130000,'Readings {"at_ms": 1764000130000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(65,1764000130000,'Answered {"at_ms": 1764000130000, "key": "", "token": 4, "settles": false, "version": 10, "server_s": 1764000130}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(66,1764000135000,'Timer {"at_ms": 1764000135000}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(67,1764000135000,'Readings {"at_ms": 1764000135000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(68,1764000140000,'Timer {"at_ms": 1764000140000}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(69,1764000140000,'Readings {"at_ms": 1764000140000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(70,1764000145000,'Timer {"at_ms": 1764000145000}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(71,1764000145000,'Readings {"at_ms": 1764000145000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(72,1764000150000,'Timer {"at_ms": 1764000150000}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(73,1764000150000,'Readings {"at_ms": 1764000150000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(74,1764000155000,'Timer {"at_ms": 1764000155000}','Wake {"at_ms": 1764000160000}');
INSERT INTO "decision" VALUES(75,1764000155000,'Readings {"at_ms": 1764000155000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(76,1764000160000,'Timer {"at_ms": 1764000160000}','Hold {"circuit": "heater1", "watts": 0, "until_ms": 1764000280000}
Hold {"circuit": "misc1", "watts": 500, "until_ms": 1764000280000}
Report {"token": 5, "reported": {"power_kw": 5.1, "shed_kw": 2.0, "base_power_kw": 7.1, "circuits": [{"id": "heater1", "name": "Heater", "enabled": true, "current_kw": 0.0, "critical": false}, {"id": "lights1", "name": "Lights", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "misc1", "name": "House Load", "enabled": true, "current_kw": 0.5, "critical": false}, {"id": "ev1", "name": "EV Charger", "enabled": false, "current_kw": 0.0, "critical": false}, {"id": "pump1", "name": "Pump", "enabled": true, "current_kw": 0.8, "critical": false}, {"id": "hvac1", "name": "HVAC", "enabled": true, "current_kw": 3.5, "critical": true}], "circuit_shadows": null, "active_event": {"event_id": "now", "shed_kw": 2.0, "end_ts": 1764003720}, "report_interval_seconds": 5, "timestamp": 1764000160}, "clears": [], "version": null, "key": ""}
Wake {"at_ms": 1764000170000}');
INSERT INTO "decision" VALUES(77,1764000160000,'Readings {"at_ms": 1764000160000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(78,1764000160000,'Answered {"at_ms": 1764000160000, "key": "", "token": 5, "settles": false, "version": 11, "server_s": 1764000160}','Wake {"at_ms": 1764000190000}');
INSERT INTO "decision" VALUES(79,1764000165000,'Timer {"at_ms": 1764000165000}','Wake {"at_ms": 1764000190000}');
INSERT INTO "decision" VALUES(80,1764000165000,'Readings {"at_ms": 1764000165000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(81,1764000170000,'Timer {"at_ms": 1764000170000}','Wake {"at_ms": 1764000190000}');
INSERT INTO "decision" VALUES(82,1764000170000,'Readings {"at_ms": 1764000170000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(83,1764000175000,'Timer {"at_ms": 1764000175000}','Wake {"at_ms": 1764000190000}');
INSERT INTO "decision" VALUES(84,1764000175000,'Readings {"at_ms": 1764000175000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(85,1764000180000,'Timer {"at_ms": 1764000180000}','Wake {"at_ms": 1764000190000}');
INSERT INTO "decision" VALUES(86,1764000180000,'Readings {"at_ms": 1764000180000, "unmetered_w": 300}','');
INSERT INTO "decision" VALUES(87,1764000180000,'Delta {"at_ms": 1764000180000, "key": "", "version": 12, "wishes": [{"circuit": "ev1", "enabled": true, "stamp_s": 1764000180}, {"circuit": "misc1", "enabled": false, "stamp_s": 1764000179}], "refusals": {}, "doubled": [], "interval": null, "server_s": 1764000180}','Switch {"circuit": "misc1", "enabled": false}
Hold {"circuit": "hvac1", "watts": 3000, "until_ms": 1764000300000}
Hold {"circuit": "misc1", "watts": null, "until_ms": 1764000300000}
Switch {"circuit": "ev1", "enabled": true}');
INSERT INTO "decision" VALUES(88,1764000180000,'Switched {"at_ms": 1764000180000, "circuit": "misc1", "enabled": false, "fault": null}','');
CREATE TABLE part (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "part" VALUES('shadows/','{"state":"applying","version":12,"heard":0,"wishes":[{"circuit":"ev1","enabled":true,"stamp_s":1764000180},{"circuit":"misc1","enabled":false,"stamp_s":1764000179}],"doubled":[],"clears":["circuits"],"refused":{},"decided":{"ev1":{"enabled":true,"stamp_s":1764000180,"code":202,"words":"","at_ms":1764000180000},"misc1":{"enabled":false,"stamp_s":1764000179,"code":200,"words":"","at_ms":1764000180000}},"interval":null,"wants":"","doing":"","token":5,"in_flight":null,"asked_ms":1764000160000,"updated_ms":1764000160000,"look_ms":null,"sent":"016dc04fc871b7ff","sent_w":4000,"ack":null,"acked":[],"answers":[],"refusals":0,"refusal":null,"lean":0,"alarms":{},"wakes":{"elapsed":1764000190000}}');
INSERT INTO "part" VALUES('circuits/heater1','{"enabled":true,"drawn_w":0,"read_mono_ms":50180000,"free_w":1500,"samples_w":[],"sampled_mono_ms":50120000,"held_w":0,"switched_by":null,"switched_ms":null,"changed_mono_ms":null,"locked_by":null,"locked_ms":null,"fault":null,"off_mono_ms":50120000,"on_mono_ms":null,"giving_mono_ms":50120000,"back_mono_ms":50060000,"gave_ms":1764000120000,"day":739579,"sheds_today":2,"shed_today_ms":60000,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('circuits/lights1','{"enabled":false,"drawn_w":0,"read_mono_ms":50180000,"free_w":400,"samples_w":[],"sampled_mono_ms":50120000,"held_w":null,"switched_by":"page","switched_ms":1764000120000,"changed_mono_ms":50120000,"locked_by":null,"locked_ms":null,"fault":null,"off_mono_ms":50120000,"on_mono_ms":null,"giving_mono_ms":null,"back_mono_ms":null,"gave_ms":0,"day":0,"sheds_today":0,"shed_today_ms":0,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('circuits/misc1','{"enabled":false,"drawn_w":500,"read_mono_ms":50180000,"free_w":1000,"samples_w":[],"sampled_mono_ms":50120000,"held_w":null,"switched_by":"cloud","switched_ms":1764000180000,"changed_mono_ms":null,"locked_by":null,"locked_ms":null,"fault":null,"off_mono_ms":50180000,"on_mono_ms":null,"giving_mono_ms":null,"back_mono_ms":50180000,"gave_ms":1764000120001,"day":739579,"sheds_today":1,"shed_today_ms":60000,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('circuits/ev1','{"enabled":true,"drawn_w":0,"read_mono_ms":50180000,"free_w":0,"samples_w":[],"sampled_mono_ms":0,"held_w":null,"switched_by":"cloud","switched_ms":1764000180000,"changed_mono_ms":null,"locked_by":null,"locked_ms":null,"fault":null,"off_mono_ms":null,"on_mono_ms":50180000,"giving_mono_ms":null,"back_mono_ms":null,"gave_ms":0,"day":0,"sheds_today":0,"shed_today_ms":0,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('circuits/pump1','{"enabled":true,"drawn_w":800,"read_mono_ms":50180000,"free_w":800,"samples_w":[800,800,800,800,800,800,800,800,800,800,800,800,800,800,800,800,800,800,800],"sampled_mono_ms":50180000,"held_w":null,"switched_by":null,"switched_ms":null,"changed_mono_ms":null,"locked_by":"page","locked_ms":1764000120000,"fault":null,"off_mono_ms":null,"on_mono_ms":null,"giving_mono_ms":null,"back_mono_ms":null,"gave_ms":0,"day":0,"sheds_today":0,"shed_today_ms":0,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('circuits/hvac1','{"enabled":true,"drawn_w":3500,"read_mono_ms":50180000,"free_w":3500,"samples_w":[],"sampled_mono_ms":50180000,"held_w":3000,"switched_by":null,"switched_ms":null,"changed_mono_ms":null,"locked_by":null,"locked_ms":null,"fault":null,"off_mono_ms":null,"on_mono_ms":null,"giving_mono_ms":50180000,"back_mono_ms":null,"gave_ms":1764000180000,"day":739579,"sheds_today":1,"shed_today_ms":0,"deaf_w":null,"driver":"sim"}');
INSERT INTO "part" VALUES('site','{"cuts":{"heater1":1500,"hvac1":500},"opted_out":[],"leaving":{},"basis":{"required_w":2000,"events":["now"],"usable":["heater1","hvac1"],"short_mono_ms":null,"over_mono_ms":null},"coming":{"due_ms":null,"last_ms":1764000060000,"not_before_ms":0,"done":1,"blocked_ms":null},"unmetered_w":300,"read_ms":1764000180000,"every_ms":5000,"every_mono_ms":null,"server_mono_ms":1763950000000,"renew_ms":1764000200000,"look_ms":1764000240000,"at_ms":1764000180000,"mono_ms":50180000,"lost_ms":null,"draining":null,"boot":"boot-1","last":{"event_id":"now","source":"received","target":"shedding","trigger":"dr_event","at_ms":1764000120000}}');
INSERT INTO "part" VALUES('past/over','["over","operator",1764000000000,1764000060000]');
INSERT INTO "part" VALUES('events/later','{"id":"later","source":"operator","shed_w":1000,"start_ms":1764007320000,"end_ms":1764009120000,"scheduled":true,"revision":0,"state":"scheduled","entered_ms":1764000120000,"randomize_ms":0,"wakes":{"started":1764007320000},"short_ms":null,"told":[],"opted_out":[]}');
INSERT INTO "part" VALUES('past/later','["later","operator",1764007320000,1764009120000]');
INSERT INTO "part" VALUES('events/now','{"id":"now","source":"operator","shed_w":2000,"start_ms":1764000120000,"end_ms":1764003720000,"scheduled":false,"revision":0,"state":"shedding","entered_ms":1764000120000,"randomize_ms":0,"wakes":{"ended":1764003720000},"short_ms":null,"told":["achieved"],"opted_out":[]}');
INSERT INTO "part" VALUES('past/now','["now","operator",1764000120000,1764003720000]');
CREATE TABLE todo (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
INSERT INTO "todo" VALUES(1,'ack','{"op":"event","status":"accepted","event_id":"over","requested_shed_kw":0.3,"actual_shed_kw":0.3,"circuits_curtailed":[{"id":"heater1","name":"Heater","original_kw":1.5,"curtailed_kw":0.3,"final_kw":1.2,"critical":false}],"ts":1764000000}');
INSERT INTO "todo" VALUES(2,'status','{"type":"event","event_id":"over","state":"started","ts":1764000000,"requested_shed_kw":0.3,"commanded_shed_kw":0.3,"measured_shed_kw":0.0}');
INSERT INTO "todo" VALUES(3,'status','{"type":"event","event_id":"over","state":"achieved","ts":1764000005,"requested_shed_kw":0.3,"commanded_shed_kw":0.3,"measured_shed_kw":0.3}');
INSERT INTO "todo" VALUES(4,'status','{"type":"event","event_id":"over","state":"restoring","ts":1764000060,"requested_shed_kw":0.3,"commanded_shed_kw":0.0,"measured_shed_kw":0.0}');
INSERT INTO "todo" VALUES(5,'status','{"type":"event","event_id":"over","state":"completed","ts":1764000060,"requested_shed_kw":0.3,"commanded_shed_kw":0.0,"measured_shed_kw":0.0}');
INSERT INTO "todo" VALUES(6,'ack','{"op":"event","status":"scheduled","event_id":"later","requested_shed_kw":1.0,"start_ts":1764007320,"end_ts":1764009120,"ts":1764000120}');
INSERT INTO "todo" VALUES(7,'ack','{"op":"event","status":"accepted","event_id":"now","requested_shed_kw":2.0,"actual_shed_kw":2.0,"circuits_curtailed":[{"id":"heater1","name":"Heater","original_kw":1.5,"curtailed_kw":1.5,"final_kw":0.0,"critical":false},{"id":"misc1","name":"House Load","original_kw":1.0,"curtailed_kw":0.5,"final_kw":0.5,"critical":false}],"ts":1764000120,"correlationId":"c-now"}');
INSERT INTO "todo" VALUES(8,'status','{"type":"event","event_id":"now","state":"started","ts":1764000120,"requested_shed_kw":2.0,"commanded_shed_kw":2.0,"measured_shed_kw":0.0}');
INSERT INTO "todo" VALUES(9,'status','{"type":"event","event_id":"now","state":"achieved","ts":1764000125,"requested_shed_kw":2.0,"commanded_shed_kw":2.0,"measured_shed_kw":2.0}');
COMMIT;
PRAGMA user_version=3;
