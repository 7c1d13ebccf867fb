"""What a caller hears while it rings, by country (ITU-T E.180, supplement 2), as ToneScripts."""

RINGING = {
    "DE": "425@-19;*(1/4/1)",
    "GB": "400@-19,450@-19;*(.4/.2/1+2,.4/2/1+2)",
    "RU": "425@-19;*(.8/3.2/1)",
    "US": "440@-19,480@-19;*(2/4/1+2)",
}
