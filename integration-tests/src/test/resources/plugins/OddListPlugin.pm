package PVE::Storage::Custom::OddListPlugin;

# Lists an image under the name that the test gives.

use strict;
use warnings;

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'oddlist' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

sub list_images {
    my ($class, $storeid, $scfg) = @_;

    return [
        map { { volid => "$storeid:$_", format => 'raw', size => 1, vmid => 100 } }
        grep { defined } ('100/vm-100-disk-0.raw', $scfg->{odd}, '100/vm-100-disk-1.raw')
    ];
}

1;
