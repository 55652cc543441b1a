// Where the phone is, if it may say so: asked when an action begins, so that it is there when the action is sent.

const WAIT_MS = 8000;

// {lat, lon, acc_m} in WGS-84, or null; never throws and never makes a person wait.
export function where() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude, acc_m: Math.round(coords.accuracy) }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 30000 },
    );
  });
}
