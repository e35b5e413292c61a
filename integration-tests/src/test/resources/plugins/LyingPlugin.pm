package PVE::Storage::Custom::LyingPlugin;

use strict;
use warnings;

# The directory of the example is put before the tests' own by the test.
use base qw(PVE::Storage::Custom::LegacyDirPlugin);

sub type {
    return 'lying';
}

sub volume_size_info {
    my ($class, @args) = @_;
    my ($size, @rest) = $class->SUPER::volume_size_info(@args);
    return ($size + 512, @rest);
}

1;
