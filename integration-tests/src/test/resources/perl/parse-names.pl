# Loads a plugin file as PVE does, and parses each name that it reads: kind, name, guest and base or nothing, format.

use v5.36;

use File::Basename qw(basename);

use PVE::Storage::Plugin;

my ($file) = @ARGV;
my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');
require $file;
$class->register;
require PVE::Storage;

STDOUT->autoflush(1);
while (my $name = <STDIN>) {
    chomp($name);
    my ($vtype, $parsed, $guest, undef, undef, $is_base, $format) =
        eval { $class->parse_volname($name) };
    say defined($vtype) ? join(' ', $vtype, $parsed, $guest // '', $is_base, $format) : 'none';
}
