# Parses a good and a bad volume name with a plugin class.

use v5.36;

use PVE::Storage;

my ($file) = @ARGV;
require $file;
my $class = 'PVE::Storage::Custom::' . ($file =~ m{(\w+)\.pm\z})[0];
say join(',', map { $_ // '' } $class->parse_volname('100/vm-100-disk-0.qcow2'));
eval { $class->parse_volname('nonsense') } or print $@;
