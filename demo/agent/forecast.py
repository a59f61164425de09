"""A stock Python script: standard library only, key from the environment."""
import os
import urllib.request

request = urllib.request.Request(
    "https://api.weather.test/v1/forecast?city=Bergen",
    headers={"Authorization": "Bearer " + os.environ["WEATHER_API_KEY"]},
)
with urllib.request.urlopen(request, timeout=10) as answer:
    print(answer.status, answer.read().decode())
