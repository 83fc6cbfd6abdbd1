// OHIF 3 in front of Tocsin: the viewer lies at /ohif/ of the same origin, so that the browser's session is who looks, and the audit
// chain names a person.
window.config = {
  routerBasename: '/ohif/',
  showStudyList: true,
  extensions: [],
  modes: [],
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  strictZSpacingForVolumeViewport: true,
  defaultDataSourceName: 'tocsin',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'tocsin',
      configuration: {
        friendlyName: 'Tocsin',
        name: 'tocsin',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        // Headers and frames in the encoding in which they are stored; the viewer decodes.
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        requestTransferSyntaxUID: '*',
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        enableStudyLazyLoad: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
        // Tocsin takes images from modalities and programs; a viewer only looks.
        dicomUploadEnabled: false,
        supportsReject: false,
      },
    },
  ],
};
