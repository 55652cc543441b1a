// The actions of the field, in the order of a parcel's day: what they are called, where they lead, and who does them.

const WAREHOUSE = "scan.warehouse";
const ROAD = "scan.road";

// screen: scan (piece by piece), trip (choose a trip and confirm), recheck, sign, report. `trip`: scanned against a trip.
export const KINDS = {
  collected: { label: "揽收", icon: "package", screen: "scan", rights: [WAREHOUSE, ROAD] },
  inbound: { label: "入库", icon: "building-warehouse", screen: "scan", rights: [WAREHOUSE] },
  sorted: { label: "分拣", icon: "layout-list", screen: "scan", rights: [WAREHOUSE] },
  rechecked: { label: "复核", icon: "list-check", screen: "recheck", rights: [WAREHOUSE] },
  loaded: { label: "装车", icon: "truck-loading", screen: "scan", trip: "load", rights: [WAREHOUSE, ROAD] },
  departed: { label: "发车", icon: "player-play", screen: "trip", rights: [ROAD] },
  arrived: { label: "到车", icon: "flag", screen: "trip", rights: [ROAD] },
  unloaded: { label: "卸车", icon: "packages", screen: "scan", trip: "unload", rights: [WAREHOUSE, ROAD] },
  inspected: { label: "验收", icon: "shield-check", screen: "scan", rights: [WAREHOUSE] },
  out_for_delivery: { label: "派送", icon: "truck-delivery", screen: "scan", rights: [ROAD] },
  signed: { label: "签收", icon: "signature", screen: "sign", rights: [ROAD] },
  refused: { label: "拒收", icon: "package-off", screen: "report", rights: [ROAD] },
  problem: { label: "上报异常", icon: "alert-triangle", screen: "report", rights: ["problem.report"] },
};

// The queue's own actions, which only its list ever names.
const OWN = { undo: "撤销", dismiss: "放弃" };

export const labelOf = (kind) => KINDS[kind]?.label ?? OWN[kind] ?? "操作";
export const allowed = (me) => Object.entries(KINDS).filter(([, { rights }]) => rights.some((right) => me.rights.includes(right)));

// What may be reported, from the server's list; kept here as well so that it can be chosen without network.
export const PROBLEMS = {
  damaged: "货物破损", short: "件数短少", over: "件数多出", wrong_goods: "货物与订单不符", misrouted: "错发站点",
  lost: "货物疑似遗失", no_contact: "联系不上收货人", attempt_failed: "派送未成功", bad_address: "收货地址有误",
  out_of_area: "超出派送范围", delay_traffic: "道路拥堵延误", delay_vehicle: "车辆故障延误", delay_weather: "天气原因延误",
  delay_other: "运输延误", held: "货物滞留", temperature: "温度超出范围", other: "其他异常",
};
