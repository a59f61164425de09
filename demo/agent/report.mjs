// A stock Node script: it knows an API, reads its key from the environment and calls it. It has never heard of Weir.
const answer = await fetch("https://api.weather.test/v1/reports", {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.WEATHER_API_KEY}`, "content-type": "application/json" },
  body: JSON.stringify({ city: "Bergen", sky: "rain" }),
});
console.log(answer.status, await answer.text());
