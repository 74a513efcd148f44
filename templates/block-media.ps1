#Requires -Version 3.0

<#
.SYNOPSIS
    Blocks the certificates of task sequence media that were lost, so that their site no longer answers them.

.DESCRIPTION
    This script calls SMS_CertificateInfo.BlockCertificate at the SMS Provider for each medium in its list: what the
    console does under Administration, Security, Certificates. A medium is blocked only when the site has the same
    certificate under its media GUID. Every medium is tried; what could not be blocked is an error at the end.

    Run it as someone who may manage certificates, on the SMS Provider or a computer that reaches it by WinRM. -WhatIf
    says what would be done, and does nothing.

.PARAMETER SiteCode
    The site code of the primary site.

.PARAMETER SmsProvider
    The computer with the SMS Provider role; this one when not given.

.PARAMETER Unblock
    Lifts the block: the medium was found again.

.EXAMPLE
    .\block-media.ps1 -SiteCode PS1 -SmsProvider cm01.contoso.com -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [ValidatePattern('^[A-Za-z0-9]{3}$')]
    [string] $SiteCode = {site-code},

    [ValidateNotNullOrEmpty()]
    [string] $SmsProvider = {sms-provider},

    [switch] $Unblock
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

if (-not $SiteCode) {
    throw 'Give -SiteCode.'
}

# The media: GUID (SMSID), SHA-1 of the certificate, and what people call the medium.
$media = @(
{media}
)

$provider = @{ Namespace = "root\SMS\site_$SiteCode" }
if ($SmsProvider -ne $env:COMPUTERNAME) {
    $provider.ComputerName = $SmsProvider
}
$block = -not $Unblock
$verb = if ($block) { 'Block' } else { 'Unblock' }

$failed = @()
foreach ($medium in $media) {
    try {
        $known = @(Get-CimInstance @provider -ClassName SMS_CertificateInfo -Filter "SMSID = '$($medium.SMSID)'")
        if ($known.Count -eq 0) {
            throw 'the site knows no certificate under this media GUID'
        }
        $thumbprint = "$($known[0].Thumbprint)" -replace '[^0-9A-Fa-f]', ''
        if ($thumbprint -ne $medium.Thumbprint) {
            throw "the site has another certificate under this media GUID ($thumbprint)"
        }
        if ($PSCmdlet.ShouldProcess("site $SiteCode at $SmsProvider", "$verb $($medium.SMSID) ($($medium.Name))")) {
            $arguments = @{ SMSID = $medium.SMSID; Blocked = [bool] $block }
            $result = Invoke-CimMethod @provider -ClassName SMS_CertificateInfo -MethodName BlockCertificate -Arguments $arguments
            $code = $result.PSObject.Properties['ReturnValue']
            if ($null -ne $code -and $null -ne $code.Value -and $code.Value -ne 0) {
                throw "the SMS Provider returned $($code.Value)"
            }
            Write-Output "$($verb)ed $($medium.SMSID) ($($medium.Name))."
        }
    }
    catch {
        $failed += "$($medium.SMSID) ($($medium.Name)): $_"
    }
}
if ($failed.Count -gt 0) {
    throw ($failed -join [Environment]::NewLine)
}
