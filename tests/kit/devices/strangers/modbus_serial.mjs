// A Modbus TCP server by modbus-serial: what is written can be read, register 666 does not exist.
import modbus from "modbus-serial";

const registers = new Map([
  [52, 0x449a],
  [53, 0x5000],
]); // 1234.5 as float32
const get = (address, unit, answer) =>
  address === 666 ? answer({ modbusErrorCode: 2, msg: "" }) : answer(null, registers.get(address) ?? unit);
const set = (address, value, unit, answer) => {
  registers.set(address, Number(value));
  answer(null);
};
const server = new modbus.ServerTCP(
  {
    getInputRegister: get,
    getHoldingRegister: get,
    getCoil: (address, unit, answer) => answer(null, Boolean(registers.get(address))),
    getDiscreteInput: (address, unit, answer) => answer(null, address % 3 === 0),
    setRegister: set,
    setCoil: set,
  },
  { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 255 },
);
server.on("initialized", () => console.log("ready"));
