package PVE::Storage::Custom::SecretivePlugin;

# Has a secret, which it keeps beside the volumes.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 13 }

sub type { return 'secretive' }

sub plugindata {
    return {
        content => [{ images => 1 }, { images => 1 }],
        'sensitive-properties' => { 'secretive-key' => 1 },
    };
}

sub properties {
    return { 'secretive-key' => { description => "The key.", type => 'string' } };
}

sub options {
    return {
        path => { fixed => 1 },
        content => { optional => 1 },
        'secretive-key' => { optional => 1 },
    };
}

sub on_add_hook {
    my ($class, $storeid, $scfg, %sensitive) = @_;
    my $file = "$scfg->{path}/key";
    open(my $fh, '>', $file) or die "$file: $!\n";
    print $fh $sensitive{'secretive-key'};
    close($fh) or die "$file: $!\n";
    return;
}

1;
