// A charger that boots, reports 7.2 kW, and then answers nothing that it was not scripted for.
const cp = await connect(process.env.CENTRAL);
await cp.sendBootnotification({ chargePointVendor: "em", chargePointModel: "1" });
await cp.sendStatusNotification({ connectorId: 1, errorCode: "NoError", status: "Charging" });
const power = { value: "7.2", measurand: "Power.Active.Import", unit: "kW" };
const sample = { timestamp: new Date().toISOString(), sampledValue: [power] };
await cp.meterValues({ connectorId: 1, meterValue: [sample] });
