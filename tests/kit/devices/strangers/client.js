// Does what its arguments say, by modbus-serial's client, and prints what came back as JSON.
// client.js PORT UNIT '[["readInputRegisters", 12, 2], ["writeRegisters", 261, [60]], ...]'
import ModbusRTU from "modbus-serial";

const [port, unit, deeds] = process.argv.slice(2);
const client = new ModbusRTU();
await client.connectTCP("127.0.0.1", { port: Number(port) });
client.setID(Number(unit));
client.setTimeout(2000);
const said = [];
for (const [deed, ...given] of JSON.parse(deeds)) {
  try {
    said.push((await client[deed](...given)).data ?? "done");
  } catch (error) {
    said.push({ exception: error.modbusCode ?? String(error.message) });
  }
}
console.log(JSON.stringify(said));
client.close(() => process.exit(0));
