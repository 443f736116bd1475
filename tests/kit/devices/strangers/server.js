// A Modbus TCP server by modbus-serial. Its registers come as a JSON line on stdin, and so do
// changes; each write is told on stdout.
import readline from "node:readline";
import ModbusRTU from "modbus-serial";

const [port] = process.argv.slice(2).map(Number);
const tables = { coil: {}, discrete: {}, holding: {}, input: {} };
const tell = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);

const read = (table) => (register) => {
  if (register in tables[table]) return Promise.resolve(tables[table][register]);
  return Promise.reject({ modbusErrorCode: 2, msg: "Illegal data address" });
};
const write = (table) => (register, value, unit) => {
  if (!(register in tables[table])) return Promise.reject({ modbusErrorCode: 2, msg: "" });
  tables[table][register] = table === "coil" ? Boolean(value) : value;
  tell({ unit, table, register, value: Number(value) });
  return Promise.resolve();
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  for (const [table, values] of Object.entries(JSON.parse(line))) {
    Object.assign(tables[table], values);
  }
  tell({ taken: true });
});

const server = new ModbusRTU.ServerTCP(
  {
    getCoil: read("coil"),
    getDiscreteInput: read("discrete"),
    getHoldingRegister: read("holding"),
    getInputRegister: read("input"),
    setCoil: write("coil"),
    setRegister: write("holding"),
  },
  { host: "127.0.0.1", port, unitID: 0 },
);
server.on("initialized", () => tell({ listening: port }));
