"""The commands of the plugin, a module each: a job, or what runs one."""

from mmskelseg import check_dependencies

# Before one that is missing or too old fails in its own words.
check_dependencies()
