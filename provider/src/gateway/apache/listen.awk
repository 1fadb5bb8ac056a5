## Finds addresses that two `Listen` lines take, and whether the configuration is read. Holds no single quote. The variable
## `there` is the path of the configuration, or empty when it does not exist.
  /^# In file: / { if ($4 == "@configFile@") read = 1 }
  tolower($1) == "listen" {
    port = $2; sub(/^.*:/, "", port); host = $2
    if (host == port || host ~ /^\*:/) all[port] = 1
    else if (host ~ /^\[::\]:/) { if (port in six) twice(port); six[port] = 1 }
    else if (host ~ /^0\.0\.0\.0:/) four[port] = 1
    else if (host ~ /^\[/) one6[port] = host
    else one4[port] = host
  }
  function twice(port) { print "Two Listen lines of Apache take port " port ": leave one of them away" > "/dev/stderr"; bad = 1 }
  END {
    for (port in all) if (port in six || port in one4 || port in one6) twice(port)
    for (port in six) if (port in one4 || port in one6) twice(port)
    for (port in four) if (port in one4) twice(port)
    if (there != "" && !read) { print "Apache does not read @configFile@: its configuration must include it" > "/dev/stderr"; bad = 1 }
    exit bad
  }
