package PVE::Storage::Custom::HangingPlugin;

# Hangs for ever once there is a file named hang, as a plugin does whose array accepts connections and says nothing.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 13 }

sub type { return 'hanging' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }], format => [{ raw => 1 }, 'raw'] } }

sub options { return { path => { fixed => 1 }, content => { optional => 1 } } }

my $hang = sub {
    my ($scfg) = @_;
    sleep(3600) while -e "$scfg->{path}/hang";
};

sub activate_storage {
    my ($class, $storeid, $scfg, $cache) = @_;
    return;
}

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;
    $hang->($scfg);
    return (1000, 600, 400, 1);
}

1;
