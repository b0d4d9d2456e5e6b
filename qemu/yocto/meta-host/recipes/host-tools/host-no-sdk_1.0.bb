SUMMARY = "The names of which an image's SDK tasks would be made, with nothing behind them"
LICENSE = "CLOSED"

PROVIDES += "nativesdk-glibc-locale nativesdk-qemuwrapper-cross"
RPROVIDES:${PN} = "meta-environment-extsdk-${MACHINE}"
ALLOW_EMPTY:${PN} = "1"
