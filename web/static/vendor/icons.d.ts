export type IconName = "activity" | "air-vent" | "calendar-clock" | "car" | "check" | "circle-check" | "clock" | "copy" | "droplets" | "eye" | "fan" | "hand" | "heater" | "hourglass" | "house" | "info" | "key-round" | "keyboard" | "lightbulb" | "lock" | "lock-open" | "minus" | "moon" | "plug" | "plus" | "refrigerator" | "rotate-ccw" | "send" | "shield" | "sun" | "sun-moon" | "table-2" | "triangle-alert" | "wifi" | "wifi-off" | "x" | "zap";
declare const icons: Record<IconName, [string, Record<string, string>][]>;
export default icons;
